//! The table `[connectors.NAME.settings]`.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use scim_connector::SettingsProblem;
use serde::Deserialize;

/// The longest wait for more changes.
const LINGER_MS_MAX: u64 = 60_000;

/// Settings of kind `json-file`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// The file. A relative path starts at the configuration file's folder. Its folder must exist and be writable: the
    /// file is replaced by a rename, so in a container mount the folder, not the file.
    pub path: PathBuf,

    /// How changes reach the disk.
    #[serde(default)]
    pub mode: Mode,

    /// Permissions of a new file, in octal. An existing file keeps its own, and its owner.
    #[serde(default = "default_permissions")]
    pub permissions: String,

    /// What to do when somebody else has changed the file. Their version is kept beside it as
    /// `NAME.conflict-HASH`. A file that is no valid JSON of this layout is never overwritten.
    #[serde(default)]
    pub on_external_edit: OnExternalEdit,

    /// How long to collect changes before the file is written, in milliseconds.
    #[serde(default = "default_linger_ms")]
    pub linger_ms: u64,

    /// The attribute that says whether a user may be used: true or false.
    #[serde(default = "default_active_attribute")]
    pub active_attribute: String,

    /// In mode `journal`: the journal's size in bytes at which the file is written and the journal starts anew.
    #[serde(default = "default_journal_bytes_max")]
    pub journal_bytes_max: u64,

    /// In mode `journal`: the number of changes at which the file is written and the journal starts anew.
    #[serde(default = "default_journal_changes_max")]
    pub journal_changes_max: u64,
}

/// How changes reach the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The whole file with every batch of changes: the file is always up to date.
    #[default]
    Snapshot,
    /// Each batch is appended to `NAME.journal`; the file follows when the journal is full and at start. For many small
    /// changes to a large file.
    Journal,
}

/// What to do when somebody else has changed the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnExternalEdit {
    /// Suspend the connector until a person has looked.
    #[default]
    Fail,
    /// Go on from their version.
    Merge,
    /// Write ours over theirs.
    Overwrite,
}

/// Settings that can be worked with.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) path: PathBuf,
    pub(crate) mode: Mode,
    pub(crate) permissions: u32,
    pub(crate) on_external_edit: OnExternalEdit,
    pub(crate) linger_ms: u64,
    pub(crate) active_attribute: String,
    pub(crate) journal_bytes_max: u64,
    pub(crate) journal_changes_max: u64,
}

impl Settings {
    pub(crate) fn check(self, base_dir: &Path) -> Result<Checked, Vec<SettingsProblem>> {
        let mut problems = Vec::new();
        let mut problem = |key: &str, message: &str, remedy: &str| {
            problems.push(SettingsProblem { key: key.into(), message: message.into(), remedy: remedy.into() });
        };

        if self.path.file_name().is_none() {
            problem("path", "names no file", "give the file's path, such as \"/var/lib/scim-relay/users.json\"");
        }
        let permissions = u32::from_str_radix(&self.permissions, 8).ok().filter(|mode| *mode <= 0o777);
        if permissions.is_none_or(|mode| mode & 0o600 != 0o600) {
            problem(
                "permissions",
                "is not an octal mode that lets the owner read and write",
                "give three octal digits with a leading zero, such as \"0600\" or \"0640\"",
            );
        }
        if self.linger_ms > LINGER_MS_MAX {
            problem("linger-ms", "is more than a minute", "give at most 60000");
        }
        if self.active_attribute.is_empty() || crate::document::RESERVED.contains(&self.active_attribute.as_str()) {
            problem(
                "active-attribute",
                "is empty or a name with a meaning of its own",
                "give another name than id, version and members",
            );
        }
        if self.journal_bytes_max == 0 {
            problem("journal-bytes-max", "is zero", "give a size in bytes, or mode = \"snapshot\"");
        }
        if self.journal_changes_max == 0 {
            problem("journal-changes-max", "is zero", "give a number of changes, or mode = \"snapshot\"");
        }

        match permissions {
            Some(permissions) if problems.is_empty() => Ok(Checked {
                path: base_dir.join(self.path),
                mode: self.mode,
                permissions,
                on_external_edit: self.on_external_edit,
                linger_ms: self.linger_ms,
                active_attribute: self.active_attribute,
                journal_bytes_max: self.journal_bytes_max,
                journal_changes_max: self.journal_changes_max,
            }),
            _ => Err(problems),
        }
    }
}

fn default_permissions() -> String {
    "0600".into()
}

fn default_linger_ms() -> u64 {
    200
}

fn default_active_attribute() -> String {
    "active".into()
}

fn default_journal_bytes_max() -> u64 {
    64 * 1024 * 1024
}

fn default_journal_changes_max() -> u64 {
    50_000
}
