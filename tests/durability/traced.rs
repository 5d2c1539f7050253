//! A relay under `strace`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::relay::{Home, Relay};

/// The system calls by which requests come, answers leave, and the store writes and syncs.
const CALLS: &str = "read,recvfrom,write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync,close";

/// How long the last lines of a trace may take after the relay's end.
const TRACE_TIME: Duration = Duration::from_secs(30);

/// A running relay whose system calls are written to a file.
pub(crate) struct Traced {
    pub(crate) relay: Relay,
    file: PathBuf,
}

/// Whether a program can be traced here: it takes the tool, and a kernel that lets it.
pub(crate) fn is_possible() -> bool {
    let traced = Command::new("strace")
        .args(["-D", "-f", "-o", "/dev/null", "-e", "trace=fsync", "--", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    traced.is_ok_and(|status| status.success())
}

impl Traced {
    /// Starts a relay with faults, in `strace`'s words (`fsync:error=EIO:when=9+`), and waits until it is ready.
    pub(crate) fn start(home: &Home, directory: &Path, faults: &[&str]) -> Self {
        let file = directory.join("trace");
        let mut strace = Command::new("strace");
        // The relay stays this process's child, so that a signal reaches it and not its tracer.
        strace.args(["-D", "-f", "-y", "-q", "-s", "64", "-e", "signal=kill"]);
        strace.arg("-e").arg(format!("trace={CALLS}")).arg("-o").arg(&file);
        for fault in faults {
            strace.arg("-e").arg(format!("inject={fault}"));
        }
        strace.arg("--").arg(env!("CARGO_BIN_EXE_scim-relay"));
        let mut relay = home.spawn_by(strace);
        home.wait_until_ready(&mut relay);
        Self { relay, file }
    }

    /// Kills the relay; its trace.
    pub(crate) fn end(mut self) -> String {
        let id = self.relay.child.id().to_string();
        self.relay.child.kill().unwrap();
        self.relay.child.wait().unwrap();
        let started = Instant::now();
        loop {
            let trace = fs::read_to_string(&self.file).unwrap();
            // The end of the first thread is told last.
            let is_whole = trace.lines().rev().take(4).any(|line| {
                line.split_whitespace().next() == Some(&id)
                    && (line.contains("+++ killed") || line.contains("+++ exited"))
            });
            if is_whole {
                return trace;
            }
            assert!(started.elapsed() < TRACE_TIME, "the trace has no end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}
