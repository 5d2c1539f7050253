//! I/O errors, sorted by what happens next.

use std::{io, path::Path};

use scim_connector::{ConnectorError, ErrorClass};

/// An I/O error at a step: what an administrator must mend is a misconfiguration, everything else passes.
///
/// The system's own words are part of the message, because one failed write is the outcome of many changes and only
/// messages can be given more than once. They name files, never values.
pub(crate) fn io(step: &str, path: &Path, error: &io::Error) -> ConnectorError {
    use io::ErrorKind::{
        InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, ResourceBusy,
    };
    let (class, hint) = match error.kind() {
        NotFound | PermissionDenied | ReadOnlyFilesystem | NotADirectory | IsADirectory | InvalidInput => {
            (ErrorClass::Misconfigured, "")
        }
        // A file that is itself a bind mount cannot be replaced by a rename.
        ResourceBusy => (ErrorClass::Misconfigured, "; the file itself is mounted: mount the directory"),
        _ => (ErrorClass::Transient, ""),
    };
    ConnectorError::new(class, format!("cannot {step} {}: {error}{hint}", path.display()))
}

/// The same outcome for another change.
pub(crate) fn again(error: &ConnectorError) -> ConnectorError {
    ConnectorError::new(error.class().clone(), error.message())
}
