//! A kept HTTP/1.1 connection that costs the driver as little as possible: it shares its two cores with what it
//! measures.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Tells a yardstick how many bytes to answer.
pub(crate) const ANSWER_BYTES: &str = "yardstick-answer-bytes";

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    /// The head that all requests share, from `Host` on.
    head: String,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// An answer, as far as the driver looks.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// Connects, with that bearer key.
    pub(crate) async fn open(address: SocketAddr, key: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let head =
            format!(" HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\naccept: application/scim+json\r\n");
        Self { stream, head, request: Vec::with_capacity(8192), answer: Vec::with_capacity(65536) }
    }

    /// Sends one request and reads the whole answer. A yardstick is told how many bytes to answer.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        target: &str,
        body: &str,
        answer_bytes: Option<usize>,
    ) -> Answer<'_> {
        self.request.clear();
        for part in [method, " ", target, &self.head] {
            self.request.extend_from_slice(part.as_bytes());
        }
        if let Some(bytes) = answer_bytes {
            self.request.extend_from_slice(format!("{ANSWER_BYTES}: {bytes}\r\n").as_bytes());
        }
        if !body.is_empty() {
            let content = format!("content-type: application/scim+json\r\ncontent-length: {}\r\n", body.len());
            self.request.extend_from_slice(content.as_bytes());
        }
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(body.as_bytes());
        self.stream.write_all(&self.request).await.unwrap();
        self.read().await
    }

    async fn read(&mut self) -> Answer<'_> {
        self.answer.clear();
        let head_end = loop {
            if let Some(end) = find(&self.answer, b"\r\n\r\n") {
                break end + 4;
            }
            self.read_some().await;
        };
        let head = std::str::from_utf8(&self.answer[..head_end]).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let (mut length, mut chunked) = (0, false);
        for header in head.split("\r\n").skip(1) {
            let Some((name, value)) = header.split_once(':') else { continue };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
            chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        if chunked {
            // The chunks' own lines stay in the body: the driver only searches it for an id and counts its bytes.
            while !self.answer[head_end..].ends_with(b"0\r\n\r\n") {
                self.read_some().await;
            }
        } else {
            while self.answer.len() < head_end + length {
                self.read_some().await;
            }
        }
        Answer { status, body: &self.answer[head_end..] }
    }

    async fn read_some(&mut self) {
        let read = self.stream.read_buf(&mut self.answer).await.unwrap();
        assert!(read > 0, "the connection was closed");
    }
}

/// Where `needle` stands in `hay`.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}
