//! The downstream system, in the test's own process.

mod http1;
mod system;

use std::{
    collections::BTreeMap,
    io::{self, BufReader, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use scim_connector::ResourceId;

pub use self::system::Counts;
use self::{
    http1::{Request, read},
    system::System,
};
use crate::message::Entry;

/// What the system does with one request instead of doing it and saying so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing of the kind.
    None,
    /// It waits so long before it looks at the request.
    Slow(Duration),
    /// It answers this status and does nothing.
    Answer(u16),
    /// It answers 503 with `Retry-After` in seconds, and does nothing.
    Throttle(u64),
    /// It closes the connection and does nothing.
    Drop,
    /// It does what it was asked and closes the connection.
    DoThenDrop,
    /// It does what it was asked, and says so in no words of HTTP.
    DoThenGarble,
}

/// Chooses for each request: its method and its path.
pub type Chooser = Box<dyn FnMut(&str, &str) -> Fault + Send>;

/// A system that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    system: Mutex<System>,
    chooser: Mutex<Chooser>,
    is_over: AtomicBool,
    /// Open connections.
    connections: Mutex<BTreeMap<u64, TcpStream>>,
    closed: Condvar,
}

impl Server {
    /// Starts a system without entries, on a loopback port of its own.
    ///
    /// # Errors
    /// There is no port.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            system: Mutex::default(),
            chooser: Mutex::new(Box::new(|_, _| Fault::None)),
            is_over: AtomicBool::new(false),
            connections: Mutex::default(),
            closed: Condvar::new(),
        });
        let serving = shared.clone();
        let listening = thread::spawn(move || listen(&listener, &serving));
        Ok(Self { address, shared, listening: Some(listening) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on fails as `chooser` says.
    pub fn fail(&self, chooser: impl FnMut(&str, &str) -> Fault + Send + 'static) {
        *lock(&self.shared.chooser) = Box::new(chooser);
    }

    /// From now on does what it is asked.
    pub fn heal(&self) {
        self.fail(|_, _| Fault::None);
    }

    /// The entries of that resource type.
    pub fn entries(&self, kind: &str) -> BTreeMap<ResourceId, Entry> {
        lock(&self.shared.system).entries(kind)
    }

    /// What it counted.
    pub fn counts(&self) -> Counts {
        lock(&self.shared.system).counts()
    }

    /// What it was asked and should not have been: an older version for the first time after a newer one.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.system).violations().to_vec()
    }

    /// Waits until no connection is open, so that nothing of a client that is gone is still to come. Whether that came
    /// about within `limit`.
    pub fn wait_until_idle(&self, limit: Duration) -> bool {
        let connections = lock(&self.shared.connections);
        let waited = self.shared.closed.wait_timeout_while(connections, limit, |open| !open.is_empty());
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the listener, which then ends.
        let _ = TcpStream::connect(self.address);
        for connection in lock(&self.shared.connections).values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, stream) in (0..).zip(listener.incoming()) {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(kept) = stream.try_clone() else { continue };
        lock(&shared.connections).insert(number, kept);
        let shared = shared.clone();
        thread::spawn(move || {
            // A connection that breaks is the client's to notice.
            let _ = serve(stream, &shared);
            let kept = lock(&shared.connections).remove(&number);
            let _ = kept.map(|stream| stream.shutdown(Shutdown::Both));
            shared.closed.notify_all();
        });
    }
}

/// Answers the requests of one connection, until it ends or a fault ends it.
fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        if !request.is_check() {
            // Before anything that takes time: what counts is the order in which requests came.
            lock(&shared.system).arrived(&request);
        }
        let fault = (lock(&shared.chooser))(&request.method, &request.path);
        let answer = match fault {
            Fault::Drop => return Ok(()),
            Fault::Answer(status) => http1::answer(status, "{}", None),
            Fault::Throttle(seconds) => http1::answer(503, "{}", Some(seconds)),
            Fault::Slow(time) => {
                pause(time);
                done(shared, request)
            }
            Fault::None => done(shared, request),
            Fault::DoThenDrop => {
                done(shared, request);
                return Ok(());
            }
            Fault::DoThenGarble => {
                done(shared, request);
                "no words of HTTP\r\n\r\n".to_owned()
            }
        };
        reader.get_mut().write_all(answer.as_bytes())?;
    }
    Ok(())
}

fn done(shared: &Shared, request: Request) -> String {
    if request.is_check() {
        return http1::answer(200, "{}", None);
    }
    let (status, body) = lock(&shared.system).perform(request);
    http1::answer(status, &body, None)
}

#[expect(clippy::disallowed_methods, reason = "a slow system takes real time, in a thread of its own")]
fn pause(time: Duration) {
    thread::sleep(time);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
