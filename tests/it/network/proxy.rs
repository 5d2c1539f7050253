//! A network between a connector and its system, with faults.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// What the network does to connections, those that are open included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Each piece takes so long, either way.
    Latency(Duration),
    /// The request arrives; instead of the answer comes a reset.
    Reset,
    /// Nothing arrives, and nobody is told.
    BlackHole,
    /// The request arrives; of the answer half does, then the end.
    HalfClose,
    /// One byte at a time, each so late, either way; also when the other end has given up.
    SlowDrip(Duration),
}

/// A way to one address.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    fault: watch::Sender<Fault>,
    connections: Arc<AtomicUsize>,
    on_their_way: Arc<AtomicUsize>,
    _listening: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fault, _) = watch::channel(Fault::None);
        let (connections, on_their_way) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let mut listening = JoinSet::new();
        let (faults, counter, way) = (fault.subscribe(), connections.clone(), on_their_way.clone());
        listening.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(join(client, server, faults.clone(), way.clone()));
            }
        });
        Self { address, fault, connections, on_their_way, _listening: listening }
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Connections that were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Requests that have left the client and not arrived.
    pub(crate) fn on_their_way(&self) -> usize {
        self.on_their_way.load(Ordering::SeqCst)
    }
}

/// Carries one connection to its end.
async fn join(client: TcpStream, server: SocketAddr, faults: watch::Receiver<Fault>, on_their_way: Arc<AtomicUsize>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    // Goes on when the client has given up: what is on its way arrives.
    tokio::spawn(requests(from_client, to_server, faults.clone(), on_their_way));
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
        let answer = bytes.get(..count).unwrap_or_default();
        let fault = *faults.borrow();
        let sent = match fault {
            Fault::Reset => {
                // The end of the last half closes the socket, and says so by a reset.
                let _ = to_client.as_ref().set_zero_linger();
                return;
            }
            Fault::HalfClose => {
                let half = answer.get(..count / 2).unwrap_or_default();
                let _ = to_client.write_all(half).await;
                let _ = to_client.shutdown().await;
                // The other half stays open for as long as the client wants.
                let _ = from_server.read(&mut bytes).await;
                return;
            }
            _ => carry(answer, &mut to_client, fault).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Carries what the client sends.
async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    faults: watch::Receiver<Fault>,
    on_their_way: Arc<AtomicUsize>,
) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let fault = *faults.borrow();
        on_their_way.fetch_add(1, Ordering::SeqCst);
        let arrived = carry(bytes.get(..count).unwrap_or_default(), &mut to, fault).await;
        on_their_way.fetch_sub(1, Ordering::SeqCst);
        if arrived.is_err() {
            return;
        }
    }
}

async fn carry(bytes: &[u8], to: &mut OwnedWriteHalf, fault: Fault) -> std::io::Result<()> {
    match fault {
        Fault::BlackHole => Ok(()),
        Fault::SlowDrip(pause) => {
            for byte in bytes {
                tokio::time::sleep(pause).await;
                to.write_all(&[*byte]).await?;
            }
            Ok(())
        }
        Fault::Latency(time) => {
            tokio::time::sleep(time).await;
            to.write_all(bytes).await
        }
        Fault::None | Fault::Reset | Fault::HalfClose => to.write_all(bytes).await,
    }
}
