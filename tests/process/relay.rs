//! The built binary as a process with its own directory and ports.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::http::Client;

/// A relay that does not answer by then is broken, not slow.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// Where a relay lives: a directory with its configuration, and two ports. Outlives its process.
pub(crate) struct Home {
    /// The configuration file.
    config: PathBuf,
    /// The SCIM listener.
    pub(crate) scim: SocketAddr,
    /// The admin listener.
    admin: SocketAddr,
    log: PathBuf,
}

/// A running relay.
pub(crate) struct Relay {
    /// The process.
    pub(crate) child: Child,
}

impl Home {
    /// Writes the configuration of a tenant `acme`, with a JSON-file connector that keeps
    /// `people.json` if asked for.
    pub(crate) fn new(directory: &Path, with_connector: bool) -> Self {
        let connector = if with_connector {
            "[connectors.people]\nkind = \"json-file\"\ntenant = \"acme\"\non-delete = \"delete\"\n\
             [connectors.people.settings]\npath = \"people.json\"\nmode = \"snapshot\"\n\
             [connectors.people.brake]\nremovals-min = 1000000\n"
        } else {
            ""
        };
        Self::with(directory, connector)
    }

    /// Writes the configuration of a tenant `acme`, whose brake is off, and those tables.
    pub(crate) fn with(directory: &Path, tables: &str) -> Self {
        let home = Self {
            config: directory.join("relay.toml"),
            scim: free_address(),
            admin: free_address(),
            log: directory.join("relay.log"),
        };
        home.configure(tables);
        home
    }

    /// Writes the configuration anew, with other tables. Whoever reads it gets the one before or this one.
    pub(crate) fn configure(&self, tables: &str) {
        let directory = self.config.parent().unwrap();
        let config = format!(
            "data-dir = \"{}\"\n[server]\nlisten = [\"{}\"]\n[admin]\nlisten = \"{}\"\n\
             [tenants.acme]\nbase-path = \"/scim/v2\"\ndialect = \"auto\"\n\
             [tenants.acme.brake]\nremovals-min = 1000000\n{tables}",
            directory.join("data").display(),
            self.scim,
            self.admin,
        );
        let written = directory.join("relay.toml.new");
        fs::write(&written, config).unwrap();
        fs::rename(&written, &self.config).unwrap();
    }

    /// Makes a bearer key for the tenant.
    pub(crate) fn create_key(&self) -> String {
        self.command(&["keys", "create", "--tenant", "acme", "--name", "test"]).trim().to_owned()
    }

    /// What a command prints, which must succeed.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        self.try_command(arguments).unwrap_or_else(|said| panic!("{arguments:?}: {said}"))
    }

    /// What a command prints, or what it says when it fails.
    pub(crate) fn try_command(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scim-relay"));
        let output = command.args(arguments).arg("--config").arg(&self.config).output().unwrap();
        let said = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stderr)) }
    }

    /// Starts the relay and does not wait for it.
    pub(crate) fn spawn(&self) -> Relay {
        self.spawn_by(Command::new(env!("CARGO_BIN_EXE_scim-relay")))
    }

    /// Starts the relay by that command, to which its arguments are added, and does not wait for it.
    pub(crate) fn spawn_by(&self, mut command: Command) -> Relay {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let child = command
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Relay { child }
    }

    /// Starts the relay and waits until `/readyz` answers 200; how long that took.
    pub(crate) fn start(&self) -> (Relay, Duration) {
        let started = Instant::now();
        let mut relay = self.spawn();
        self.wait_until_ready(&mut relay);
        (relay, started.elapsed())
    }

    /// Whether `/readyz` answers 200.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.admin("/readyz"), Some((200, _)))
    }

    /// Waits until `/readyz` answers 200.
    pub(crate) fn wait_until_ready(&self, relay: &mut Relay) {
        let started = Instant::now();
        while !self.is_ready() {
            if let Some(status) = relay.child.try_wait().unwrap() {
                panic!("the relay ended with {status}\n{}", self.log_tail());
            }
            assert!(started.elapsed() < READY_TIMEOUT, "the relay is not ready\n{}", self.log_tail());
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Status and body of a GET at the admin listener; `None` when it does not answer.
    pub(crate) fn admin(&self, target: &str) -> Option<(u16, String)> {
        let answer = Client::new(self.admin, None).request("GET", target, None).ok()?;
        Some((answer.status, answer.body))
    }

    /// All that the relay logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of what the relay logged, for a failure's message.
    pub(crate) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // A failing test must not leave a process behind; one that has ended is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A free loopback address. Its port lies below the range from which the kernel takes ports for outgoing connections,
/// so that a client which polls for a restarted relay never takes the relay's port or connects to itself.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 12_000).unwrap();
    for _ in 0..12_000 {
        let offset = (start + NEXT.fetch_add(1, Ordering::Relaxed) % 12_000) % 12_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 20_000 + offset));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no free port from 20000 to 31999");
}
