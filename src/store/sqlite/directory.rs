//! The data directory: who may read it, and which process has it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use crate::store::Error;

/// The database's file in the data directory.
pub(super) const FILE: &str = "relay.db";

/// Makes the directory and takes its lock. An empty one becomes the owner's alone. One with a store that others may read
/// or write is refused: somebody may have.
pub(super) fn prepare(data_dir: &Path) -> Result<File, Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|source| io("creating the data directory", source))?;
    if data_dir.join(FILE).exists() {
        refuse_looser(data_dir, 0o700)?;
        for name in [FILE, "relay.db-wal", "relay.db-shm"].map(|name| data_dir.join(name)) {
            if name.exists() {
                refuse_looser(&name, 0o600)?;
            }
        }
    } else {
        fs::set_permissions(data_dir, fs::Permissions::from_mode(0o700))
            .map_err(|source| io("restricting the data directory", source))?;
    }
    let lock = private_file(&data_dir.join("lock")).map_err(|source| io("opening the lock file", source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: data_dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io("locking the data directory", source)),
    }
}

fn refuse_looser(path: &Path, mode: u32) -> Result<(), Error> {
    let metadata = fs::metadata(path).map_err(|source| io("looking at the data directory", source))?;
    let found = metadata.permissions().mode() & 0o777;
    if found & !mode != 0 {
        return Err(Error::Unusable {
            reason: format!(
                "{0} is open to others than its owner: its mode is {found:04o}; see who could read or write it, then: \
                 chmod {mode:04o} {0}",
                path.display()
            ),
        });
    }
    Ok(())
}

/// Opens a file that only its owner may read; SQLite gives its log and index the database's mode.
pub(super) fn private_file(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

pub(super) fn io(step: &'static str, source: std::io::Error) -> Error {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::ReadOnlyFilesystem => Error::Full { step },
        _ => Error::Io { step, source: Box::new(source) },
    }
}
