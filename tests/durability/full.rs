//! A disk that is full, and has space again.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{can, client, http::Client, relay::Home};

/// The file system, and what takes its space away for the time of the test.
const SIZE: &str = "size=12m";
const BALLAST: usize = 6 * 1024 * 1024;
/// For how long the disk stays full.
const FULL: Duration = Duration::from_secs(3);
/// How soon writes have to be back.
const RECOVERY: Duration = Duration::from_secs(5);
/// More writes than fit.
const WRITES_MAX: usize = 100_000;

/// A small file system; gone when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(at).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Also while a process that was just killed still has files there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn g04_a_full_disk_loses_nothing_and_writes_are_back_soon_after_there_is_space() {
    let directory = tempfile::tempdir().unwrap();
    let mounted = Mounted::new(&directory.path().join("data"));
    if !can("mounting a file system", mounted.is_some()) {
        return;
    }
    let home = Home::new(directory.path(), true);
    let key = home.create_key();
    let ballast = directory.path().join("data/ballast");
    File::create(&ballast).unwrap().write_all(&vec![1; BALLAST]).unwrap();
    let (mut relay, _) = home.start();

    let mut client = Client::new(home.scim, Some(&key));
    let mut acknowledged = Vec::new();
    while client::create(&mut client, &format!("person-{}", acknowledged.len())) == 201 {
        acknowledged.push(format!("person-{}", acknowledged.len()));
        assert!(acknowledged.len() < WRITES_MAX, "proves nothing, the disk is not full");
    }
    let full = Instant::now();
    let mut refused = 0;
    while full.elapsed() < FULL {
        // Small writes may still fit into what the store has.
        let name = format!("late-{refused}");
        match client::create_raw(home.scim, &key, &name) {
            answer if answer.starts_with("HTTP/1.1 201") => acknowledged.push(name),
            answer => client::assert_unavailable(&answer),
        }
        refused += 1;
        assert_eq!(client::count(&mut client, "person-0"), 1, "reads go on");
        assert_eq!(home.admin("/healthz").map(|(status, _)| status), Some(200), "the process is well");
    }
    assert!(refused > 10, "proves nothing: {refused}");

    fs::remove_file(&ballast).unwrap();
    let space = Instant::now();
    while client::create(&mut client, "after") != 201 {
        assert!(space.elapsed() < RECOVERY, "it writes no more\n{}", home.log_tail());
        thread::sleep(Duration::from_millis(20));
    }
    assert!(relay.child.try_wait().unwrap().is_none(), "it is the same process");
    for name in &acknowledged {
        assert_eq!(client::count(&mut client, name), 1, "{name} is lost");
    }
    drop(relay);
    let (_relay, _) = home.start();
    let mut client = Client::new(home.scim, Some(&key));
    for name in acknowledged.iter().map(String::as_str).chain(["after"]) {
        assert_eq!(client::count(&mut client, name), 1, "{name} is lost in the restart");
    }
}
