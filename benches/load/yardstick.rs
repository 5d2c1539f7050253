//! Two servers that do nothing but what no relay can do without: answer over hyper, and for writes, be durable. Each
//! runs in a process of its own, as the relay does.

use std::{
    convert::Infallible,
    env,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, body::Incoming, header::CONTENT_TYPE, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use crate::client::ANSWER_BYTES;

/// Writes that wait for the disk at once; more than there are connections.
const QUEUE: usize = 1024;

/// A running yardstick.
pub(crate) struct Yardstick {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Yardstick {
    /// Starts this program once more, as a yardstick; with a file, writes are appended to it before they are answered.
    pub(crate) fn start(file: Option<&Path>) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .arg("yardstick")
            .args(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }
}

impl Drop for Yardstick {
    fn drop(&mut self) {
        // It has nothing to lose, and may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a write hands to the thread that makes it durable.
struct Append {
    bytes: Bytes,
    durable: oneshot::Sender<()>,
}

/// Serves until it is killed; prints its address first.
pub(crate) fn serve(file: Option<&Path>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        io::stdout().flush().unwrap();
        let appends = file.map(|file| {
            let file = File::create(file).unwrap();
            let (appends, queue) = mpsc::channel(QUEUE);
            thread::spawn(move || append(&file, queue));
            appends
        });
        let filler: Arc<Bytes> = Arc::new(vec![b'x'; 4 << 20].into());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (appends, filler) = (appends.clone(), Arc::clone(&filler));
            tokio::spawn(async move {
                let service = service_fn(|request| answer(request, appends.clone(), Arc::clone(&filler)));
                // A client that leaves is the normal end.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

async fn answer(
    request: Request<Incoming>,
    appends: Option<mpsc::Sender<Append>>,
    filler: Arc<Bytes>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let length: usize = request.headers().get(ANSWER_BYTES).unwrap().to_str().unwrap().parse().unwrap();
    let is_write = request.method() != Method::GET;
    let target = Bytes::copy_from_slice(request.uri().path().as_bytes());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    if let (true, Some(appends)) = (is_write, appends) {
        let (durable, is_durable) = oneshot::channel();
        let bytes = if body.is_empty() { target } else { body };
        appends.send(Append { bytes, durable }).await.unwrap();
        is_durable.await.unwrap();
    }
    let response = Response::builder()
        .header(CONTENT_TYPE, "application/scim+json")
        .header("etag", "W/\"1\"")
        .body(Full::new(filler.slice(..length)));
    Ok(response.unwrap())
}

/// Appends what waits, makes it durable with one sync, and then lets all of it be answered.
fn append(mut file: &File, mut queue: mpsc::Receiver<Append>) {
    let mut batch = Vec::new();
    while queue.blocking_recv_many(&mut batch, QUEUE) > 0 {
        let bytes: Vec<u8> = batch.iter().flat_map(|append| append.bytes.iter().copied()).collect();
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
        for append in batch.drain(..) {
            // A client that left does not wait.
            let _ = append.durable.send(());
        }
    }
}
