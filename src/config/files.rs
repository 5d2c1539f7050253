//! The files that a configuration rests on, and whether they are still the same.
//!
//! A setting that names a file is called `…-file`, in the settings of every kind of connector too; besides there are the
//! schemas of tenants.

use std::{
    fmt::Write as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// How the names of settings end that name a file.
const FILE_KEY: &str = "-file";

/// All files that settings in this table name, in the order of the table.
pub(super) fn named(settings: &Value, base_dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(settings, base_dir, &mut files);
    files
}

fn collect(settings: &Value, base_dir: &Path, files: &mut Vec<PathBuf>) {
    let Value::Object(table) = settings else { return };
    for (key, value) in table {
        match value {
            Value::String(file) if key.ends_with(FILE_KEY) => files.push(base_dir.join(file)),
            Value::Array(names) if key == "schemas" => {
                files.extend(names.iter().filter_map(Value::as_str).map(|file| base_dir.join(file)));
            }
            // As deep as the file's own nesting, which its parser bounds.
            inner => collect(inner, base_dir, files),
        }
    }
}

/// Stands for the files as they are: another text once one of them was written, replaced, or went. Nothing of what is in
/// them.
pub(super) fn stamp(files: &[PathBuf]) -> String {
    let mut stamp = String::new();
    for file in files {
        // Writing to a string does not fail. A file that cannot be looked at is told from every one that can.
        let _ = match std::fs::metadata(file) {
            Ok(found) => write!(
                stamp,
                "{} {} {} {} {};",
                found.dev(),
                found.ino(),
                found.mtime(),
                found.mtime_nsec(),
                found.size()
            ),
            Err(error) => write!(stamp, "{:?};", error.kind()),
        };
    }
    stamp
}
