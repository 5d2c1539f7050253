//! Changes that the file does not show yet: JSON Lines beside it.
//!
//! The first line names the generation of the file that the journal goes on from; every other line is a batch of edits,
//! confirmed together by one flush. A journal of an older generation is stale: the file holds its edits.
//!
//! A batch is one line so that a torn write tears one line, the last: it was never confirmed, and it is left out.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
};

use scim_connector::ConnectorError;
use serde::{Deserialize, Serialize};

use crate::{
    document::Edit,
    failure::io as failure,
    file::{self, Paths},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    generation: u64,
}

/// The journal, as far as this process has written it.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Open after the first append since the file was written.
    file: Option<File>,
    bytes: u64,
    changes: u64,
}

/// What a journal holds.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// The file's generation that the edits go on from.
    pub(crate) generation: u64,
    /// Batches in order.
    pub(crate) batches: Vec<Vec<Edit>>,
}

impl Journal {
    /// Whether the file is to be written instead of a longer journal.
    pub(crate) fn is_full(&self, bytes_max: u64, changes_max: u64) -> bool {
        self.bytes >= bytes_max || self.changes >= changes_max
    }

    /// Starts anew, because the file now holds all edits. Touches nothing: the old journal names an older generation.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }

    /// Appends a batch and flushes it. After an error nothing more may be appended before [`Journal::restart`].
    pub(crate) fn append(&mut self, paths: &Paths, generation: u64, edits: &[Edit]) -> Result<(), ConnectorError> {
        let not_text = |error| ConnectorError::rejected("a change cannot be written as JSON").caused_by(error);
        let mut text = String::new();
        if self.file.is_none() {
            text = serde_json::to_string(&Head { generation }).map_err(not_text)? + "\n";
        }
        text += &serde_json::to_string(edits).map_err(not_text)?;
        text.push('\n');

        let failed = |step| move |error: io::Error| failure(step, &paths.journal, &error);
        if self.file.is_none() {
            let file = OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(true)
                .mode(0o600)
                .open(&paths.journal)
                .map_err(failed("create"))?;
            paths.sync_directory()?;
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            file.write_all(text.as_bytes()).map_err(failed("append to"))?;
            file.sync_data().map_err(failed("flush"))?;
        }
        self.bytes += text.len() as u64;
        self.changes += edits.len() as u64;
        Ok(())
    }
}

/// Reads the journal; `None` when there is none, or nothing of it was ever confirmed.
pub(crate) fn replay(paths: &Paths) -> Result<Option<Replay>, ConnectorError> {
    let Some((bytes, _)) = file::read(&paths.journal)? else { return Ok(None) };
    parse(&bytes).map_err(|line| {
        ConnectorError::misconfigured(format!(
            "{} is damaged at line {line}; move it away to go on from the file alone, then reconcile",
            paths.journal.display()
        ))
    })
}

/// Reads a journal's bytes, or says which line is damaged. The last line may be torn, by a missing end or by blocks of
/// zeros inside, which are no JSON.
fn parse(bytes: &[u8]) -> Result<Option<Replay>, usize> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut replay = None;
    for (index, line) in lines.iter().enumerate() {
        let read = match &mut replay {
            _ if line.last() != Some(&b'\n') => None,
            None => serde_json::from_slice(line).ok().map(|Head { generation }| {
                replay = Some(Replay { generation, batches: Vec::new() });
            }),
            Some(replay) => serde_json::from_slice(line).ok().map(|edits| replay.batches.push(edits)),
        };
        if read.is_none() {
            return if index + 1 == lines.len() { Ok(replay) } else { Err(index + 1) };
        }
    }
    Ok(replay)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "{\"generation\":3}\n";
    const BATCH: &str =
        r#"[{"section":"users","id":"01890a5d-ac96-774b-bcce-b302099a8057","action":{"put":{"version":1}}}]"#;

    #[test]
    fn a_torn_last_line_is_left_out_and_a_damaged_one_before_it_is_not() {
        let cases = [
            (String::new(), Ok(None)),
            ("{\"gener".into(), Ok(None)),
            (HEAD.into(), Ok(Some(0))),
            (format!("{HEAD}{BATCH}\n"), Ok(Some(1))),
            (format!("{HEAD}{BATCH}"), Ok(Some(0))),
            (format!("{HEAD}{BATCH}\n[{{\"sec"), Ok(Some(1))),
            (format!("{HEAD}{BATCH}\n\0\0\0\0\n"), Ok(Some(1))),
            (format!("{HEAD}\0\0\n{BATCH}\n"), Err(2)),
            (format!("{BATCH}\n{BATCH}\n"), Err(1)),
        ];
        for (text, expected) in cases {
            let found = parse(text.as_bytes()).map(|replay| replay.map(|replay| replay.batches.len()));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
