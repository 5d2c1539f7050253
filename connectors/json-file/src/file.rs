//! Replacing a file as a whole, durably, and telling whether somebody else has changed it.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    hash::{DefaultHasher, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use scim_connector::ConnectorError;

use crate::failure::io as failure;

/// The file and what lies beside it.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The file itself, links resolved.
    pub(crate) data: PathBuf,
    pub(crate) journal: PathBuf,
    directory: PathBuf,
    lock: PathBuf,
    temporary: PathBuf,
}

impl Paths {
    /// Resolves links once: a rename onto a link would replace the link, and the target would never change.
    pub(crate) fn resolve(path: &Path) -> Result<Self, ConnectorError> {
        let data = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                    return Err(ConnectorError::misconfigured(format!("{} names no file", path.display())));
                };
                let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                fs::canonicalize(parent).map_err(|error| failure("open the directory", parent, &error))?.join(name)
            }
            Err(error) => return Err(failure("open", path, &error)),
        };
        if data.exists() && !data.is_file() {
            return Err(ConnectorError::misconfigured(format!("{} is no plain file", data.display())));
        }
        let beside = |prefix: &str, suffix: &str| {
            let mut name = std::ffi::OsString::from(prefix);
            name.push(data.file_name().unwrap_or_default());
            name.push(suffix);
            data.with_file_name(name)
        };
        Ok(Self {
            directory: data.parent().map(Path::to_owned).unwrap_or_default(),
            journal: beside("", ".journal"),
            lock: beside("", ".lock"),
            temporary: beside(".", ".tmp"),
            data,
        })
    }

    /// Proves that files can be made in the directory, without making one.
    pub(crate) fn check_writable(&self) -> Result<(), ConnectorError> {
        rustix::fs::access(&self.directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
            .map_err(|error| failure("write in", &self.directory, &error.into()))
    }

    /// Makes sure that no other process writes the file. The lock is a file of its own, because a lock on the file
    /// itself would go with the first rename.
    pub(crate) fn lock(&self) -> Result<File, ConnectorError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.lock)
            .map_err(|error| failure("open", &self.lock, &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(ConnectorError::misconfigured(format!(
                "{} is locked: another connector or process writes the file",
                self.lock.display()
            ))),
            Err(error) => Err(failure("lock", &self.lock, &error.into())),
        }
    }

    /// Reads the file and what tells it from another version; `None` when there is no file.
    pub(crate) fn read(&self) -> Result<Option<(Vec<u8>, Seen)>, ConnectorError> {
        Ok(read(&self.data)?.map(|(bytes, metadata)| {
            let seen = Seen::of(&metadata, &bytes);
            (bytes, seen)
        }))
    }

    /// The file's metadata; `None` when there is no file.
    pub(crate) fn metadata(&self) -> Result<Option<fs::Metadata>, ConnectorError> {
        match fs::metadata(&self.data) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure("read", &self.data, &error)),
        }
    }

    /// Replaces the file: a new file beside it, flushed, renamed. `renamed` is told what the file looks like as soon as
    /// it is there, even where flushing the directory then fails.
    ///
    /// A file whose flush failed is never flushed again, because the system may have marked its pages clean: the next
    /// call starts from the bytes with a new file.
    pub(crate) fn replace(
        &self,
        bytes: &[u8],
        permissions: u32,
        renamed: &mut dyn FnMut(Seen),
    ) -> Result<(), ConnectorError> {
        let old = self.metadata()?;
        self.remove_temporary()?;
        let seen = self.write_temporary(bytes, old.as_ref(), permissions).inspect_err(|_| {
            // What is left of it would be removed by the next call; the room it takes may be needed before.
            let _ = fs::remove_file(&self.temporary);
        })?;
        scim_connector::crash_point!("before-rename");
        fs::rename(&self.temporary, &self.data).map_err(|error| failure("replace", &self.data, &error))?;
        renamed(seen);
        self.sync_directory()
    }

    /// Removes a temporary file that a killed process left. Only the holder of the lock may.
    pub(crate) fn remove_temporary(&self) -> Result<(), ConnectorError> {
        match fs::remove_file(&self.temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failure("remove", &self.temporary, &error)),
            _ => Ok(()),
        }
    }

    /// Makes a new name in the directory durable.
    pub(crate) fn sync_directory(&self) -> Result<(), ConnectorError> {
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| failure("flush the directory", &self.directory, &error))
    }

    /// Keeps a version that somebody else wrote, by its hash: the same version once.
    pub(crate) fn keep_conflict(&self, bytes: &[u8], seen: &Seen) -> Result<(), ConnectorError> {
        let mut name = self.data.file_name().unwrap_or_default().to_owned();
        name.push(format!(".conflict-{:016x}", seen.hash));
        let path = self.data.with_file_name(name);
        let written = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        match written {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failure("write", &path, &error)),
            _ => Ok(()),
        }
    }

    fn write_temporary(
        &self,
        bytes: &[u8],
        old: Option<&fs::Metadata>,
        permissions: u32,
    ) -> Result<Seen, ConnectorError> {
        let failed = |step| move |error: io::Error| failure(step, &self.temporary, &error);
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&self.temporary)
            .map_err(failed("create"))?;
        file.write_all(bytes).map_err(failed("write"))?;

        let mut permissions = permissions;
        if let Some(old) = old {
            permissions = old.mode() & 0o7777;
            let new = file.metadata().map_err(failed("read"))?;
            if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))
                    .map_err(failed("keep the old file's owner for"))?;
            }
        }
        // After the owner, whose change may clear bits.
        file.set_permissions(Permissions::from_mode(permissions)).map_err(failed("set the permissions of"))?;
        file.sync_all().map_err(failed("flush"))?;
        Ok(Seen::of(&file.metadata().map_err(failed("read"))?, bytes))
    }
}

/// Reads a plain file; `None` when there is none. A device or a pipe has no end.
pub(crate) fn read(path: &Path) -> Result<Option<(Vec<u8>, fs::Metadata)>, ConnectorError> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure("read", path, &error)),
    };
    if !metadata.is_file() {
        return Err(ConnectorError::misconfigured(format!("{} is no plain file", path.display())));
    }
    let read = || {
        let mut file = File::open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((bytes, file.metadata()?))
    };
    read().map(Some).map_err(|error| failure("read", path, &error))
}

/// What tells one version of the file from another: cheap to compare when nobody touched it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    inode: u64,
    modified: (i64, i64),
    size: u64,
    /// Not stable between builds of the relay; never leaves the process but as a name.
    hash: u64,
}

impl Seen {
    fn of(metadata: &fs::Metadata, bytes: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        Self {
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
            hash: hasher.finish(),
        }
    }

    /// Whether the file was not touched since.
    pub(crate) fn is_untouched(&self, metadata: &fs::Metadata) -> bool {
        (self.inode, self.modified, self.size)
            == (metadata.ino(), (metadata.mtime(), metadata.mtime_nsec()), metadata.size())
    }

    /// Whether another version has the same bytes: a copy put back, or a `touch`.
    pub(crate) fn is_same_content(&self, other: &Self) -> bool {
        (self.size, self.hash) == (other.size, other.hash)
    }
}
