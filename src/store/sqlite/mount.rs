//! What kind of file system the data directory is on, as far as Linux tells.

use std::{fs, path::Path};

/// Where the kernel lists what is mounted: root and mount point of each in the fourth and fifth column, and after a
/// lone `-` its type.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Why a store in this directory may not last, in words that name the kind of file system; `None` where nothing speaks
/// against it, or nothing is known.
pub fn not_durable(data_dir: &Path) -> Option<String> {
    // One that is yet to be made will be where its parent is.
    let existing = data_dir.ancestors().find_map(|directory| {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        fs::canonicalize(directory).ok()
    })?;
    let kind = kind_of(&existing, &fs::read_to_string(MOUNTS).ok()?)?;
    let reason = match kind.as_str() {
        "tmpfs" | "ramfs" => "keeps its files in memory: they end with the machine or the container",
        "overlay" | "aufs" => "is a container's own layer: its files end with the container",
        "nfs" | "nfs4" | "cifs" | "smb3" | "9p" | "ceph" | "glusterfs" => {
            "is reached over a network, where the store's locks and syncs cannot be relied on"
        }
        _ => return None,
    };
    Some(format!("{kind}, which {reason}"))
}

/// The type of the file system that a path is on: that of the deepest mount point above it, the last one where several
/// are mounted there.
fn kind_of(path: &Path, mounts: &str) -> Option<String> {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let Some((mount, filesystem)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (mount.split(' ').nth(4), filesystem.split(' ').next()) else { continue };
        let point = unescape(point);
        let depth = Path::new(&point).components().count();
        if path.starts_with(&point) && found.is_none_or(|(deepest, _)| deepest <= depth) {
            found = Some((depth, kind));
        }
    }
    found.map(|(_, kind)| kind.to_owned())
}

/// Undoes the kernel's `\040` for a blank, and its like for tab, newline and backslash.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
25 27 0:23 / /dev/shm rw,nosuid shared:4 - tmpfs tmpfs rw
31 27 0:30 / /srv/a\\040b rw - overlay overlay rw
32 31 254:1 /x /srv/a\\040b/data rw - xfs /dev/vdb rw
33 27 0:31 / /srv/twice rw - ext4 /dev/vdc rw
34 27 0:32 / /srv/twice rw - tmpfs tmpfs rw";

    #[test]
    fn the_deepest_mount_point_decides() {
        for (path, expected) in [
            ("/var/lib/relay", "ext4"),
            ("/dev/shm", "tmpfs"),
            ("/dev/shm/relay", "tmpfs"),
            ("/dev/shmem", "ext4"),
            ("/srv/a b/x", "overlay"),
            ("/srv/a b/data/x", "xfs"),
            ("/srv/twice/x", "tmpfs"),
        ] {
            assert_eq!(kind_of(Path::new(path), LISTED).as_deref(), Some(expected), "{path}");
        }
    }
}
