//! Writes that are done as a whole or not at all.

use super::{commit::commit, statement::Statements as _, writer::Transaction};
use crate::{
    scim,
    store::{Committed, Error, Write, WriteError},
};

/// Does all of these writes, or none where one is refused: its index and why.
pub(super) fn commit_together(
    transaction: &mut Transaction<'_>,
    writes: Vec<Write>,
) -> Result<Result<Vec<Committed>, (usize, scim::Error)>, Error> {
    let sql = transaction.sql;
    let before = transaction.state.clone();
    sql.run("SAVEPOINT together", [])?;
    let mut committed = Vec::with_capacity(writes.len());
    for (index, write) in writes.into_iter().enumerate() {
        match commit(transaction, write) {
            Ok(done) => committed.push(done),
            Err(WriteError::Store(error)) => return Err(error),
            Err(WriteError::Refused(refusal)) => {
                sql.run("ROLLBACK TO together", [])?;
                sql.run("RELEASE together", [])?;
                *transaction.state = before;
                return Ok(Err((index, refusal)));
            }
        }
    }
    sql.run("RELEASE together", [])?;
    Ok(Ok(committed))
}
