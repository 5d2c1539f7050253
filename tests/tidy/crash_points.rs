//! Every point that the code marks for a crash has a row in the table of `tests/crash`, and the reverse.

use std::collections::BTreeSet;

use crate::File;

/// Names that stand on one side only.
pub(crate) fn unmatched(files: &[File]) -> Vec<String> {
    let is_code = |file: &&File| file.path.starts_with("src/") || file.path.starts_with("connectors/");
    let marked = names(files.iter().filter(is_code), "crash_point!(\"");
    let tested = names(files.iter().filter(|file| file.path == "tests/crash/moment.rs"), "Point { name: \"");
    marked.symmetric_difference(&tested).cloned().collect()
}

/// What stands in quotes after `before`, wherever that is. An example in a comment is in capitals.
fn names<'a>(files: impl Iterator<Item = &'a File>, before: &str) -> BTreeSet<String> {
    let quoted = files.flat_map(|file| file.text.split(before).skip(1).filter_map(|rest| rest.split('"').next()));
    quoted.filter(|name| *name != "NAME").map(str::to_owned).collect()
}
