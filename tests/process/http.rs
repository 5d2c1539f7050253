//! A blocking HTTP/1.1 client over one kept connection: as much as a test needs, and nothing that hides what happened.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// No answer of the relay takes longer than that unless it hangs.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one address, with at most one connection.
pub(crate) struct Client {
    address: SocketAddr,
    authorization: Option<String>,
    connection: Option<BufReader<TcpStream>>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The body as text.
    pub(crate) body: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No connection came about: the request was never sent.
    #[error("not sent: {0}")]
    NotSent(io::Error),
    /// The connection broke after the request began to leave: whether it had an effect is unknown.
    #[error("no answer: {0}")]
    Unknown(io::Error),
}

impl Client {
    /// A client that sends that bearer key, if any, with each request.
    pub(crate) fn new(address: SocketAddr, key: Option<&str>) -> Self {
        Self { address, authorization: key.map(|key| format!("Authorization: Bearer {key}\r\n")), connection: None }
    }

    /// Sends one request and reads the whole answer. A kept connection that the relay has closed meanwhile is not
    /// tried again: the failure says that the outcome is unknown.
    pub(crate) fn request(&mut self, method: &str, target: &str, body: Option<&str>) -> Result<Answer, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(Failure::NotSent)?,
        };
        let (answer, keep) = exchange(&mut connection, &self.head(method, target, body), body.unwrap_or_default())
            .map_err(Failure::Unknown)?;
        if keep {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(BufReader::new(stream))
    }

    fn head(&self, method: &str, target: &str, body: Option<&str>) -> String {
        let authorization = self.authorization.as_deref().unwrap_or_default();
        let content = body.map_or_else(String::new, |body| {
            format!("Content-Type: application/scim+json\r\nContent-Length: {}\r\n", body.len())
        });
        format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{authorization}{content}\r\n", self.address)
    }
}

fn exchange(connection: &mut BufReader<TcpStream>, head: &str, body: &str) -> io::Result<(Answer, bool)> {
    let mut request = Vec::with_capacity(head.len() + body.len());
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(body.as_bytes());
    connection.get_mut().write_all(&request)?;

    let status_line = line(connection)?;
    let status = status_line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| io::Error::other(format!("not a status line: {status_line}")))?;
    let (mut length, mut chunked, mut keep) = (0, false, true);
    loop {
        let header = line(connection)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        match (name.to_ascii_lowercase().as_str(), value.trim().to_ascii_lowercase().as_str()) {
            ("content-length", value) => length = value.parse().map_err(io::Error::other)?,
            ("transfer-encoding", "chunked") => chunked = true,
            ("connection", "close") => keep = false,
            _ => {}
        }
    }
    let mut bytes = Vec::new();
    if chunked {
        loop {
            let size = usize::from_str_radix(line(connection)?.trim(), 16).map_err(io::Error::other)?;
            read_more(connection, &mut bytes, size)?;
            line(connection)?;
            if size == 0 {
                break;
            }
        }
    } else {
        read_more(connection, &mut bytes, length)?;
    }
    let body = String::from_utf8(bytes).map_err(io::Error::other)?;
    Ok((Answer { status, body }, keep))
}

fn read_more(connection: &mut BufReader<TcpStream>, bytes: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let start = bytes.len();
    bytes.resize(start + length, 0);
    connection.read_exact(&mut bytes[start..])
}

fn line(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}
