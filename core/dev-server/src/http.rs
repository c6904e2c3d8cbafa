//! Reading HTTP/1.1 requests, with limits on all that a client can send.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::server::TlsStream;

const MAX_HEAD: usize = 64 * 1024;
pub(crate) const MAX_BODY: usize = 1024 * 1024;
const MAX_HEADERS: usize = 128;

/// A byte stream that stands on a TCP socket, which the reset fault needs.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// How a client is connected.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    pub(crate) https: bool,
    /// The client's certificate and its chain; empty where it has shown none.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
}

/// A request, complete with its body.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// What follows the question mark; empty when there is none.
    pub(crate) query: String,
    /// Names in lower case, in the order of arrival.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) keep_alive: bool,
    pub(crate) peer: Arc<Peer>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    pub(crate) fn headers_named<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_form(&self) -> bool {
        self.header("content-type")
            .and_then(|value| value.split(';').next())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case(crate::form::CONTENT_TYPE))
    }
}

/// What came of waiting for a request.
#[derive(Debug)]
pub(crate) enum Incoming {
    Request(Request),
    /// The peer is gone, or never finished its request.
    Gone,
    /// Not a request that can be read: the status to answer with.
    Refused(u16),
}

/// How the body of a request is delimited.
#[derive(Debug, PartialEq)]
enum Framing {
    Length(usize),
    Chunked,
}

/// A connection and what was read from it ahead of time.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
}

impl<S: Transport> Connection<S> {
    pub(crate) fn new(stream: S) -> Connection<S> {
        Connection { stream, buffer: Vec::new() }
    }

    /// Waits for the next request.
    pub(crate) async fn request(&mut self) -> Incoming {
        let (mut request, framing) = loop {
            if let Some(head) = self.take_head() {
                match head {
                    Ok(head) => break head,
                    Err(status) => return Incoming::Refused(status),
                }
            }
            if self.buffer.len() > MAX_HEAD {
                return Incoming::Refused(431);
            }
            if !self.read_more().await {
                return Incoming::Gone;
            }
        };
        if framing == Framing::Length(0) {
            return Incoming::Request(request);
        }
        if self.must_continue(&request) && self.write_continue().await.is_err() {
            return Incoming::Gone;
        }
        loop {
            match self.take_body(&framing) {
                Some(Ok(body)) => {
                    request.body = body;
                    return Incoming::Request(request);
                }
                Some(Err(status)) => return Incoming::Refused(status),
                None => {}
            }
            if !self.read_more().await {
                return Incoming::Gone;
            }
        }
    }

    /// Completes when the peer closes or breaks the connection; early bytes of a next request are kept.
    pub(crate) async fn gone(&mut self) {
        while self.buffer.len() <= MAX_HEAD {
            if !self.read_more().await {
                return;
            }
        }
    }

    /// Reads and throws away what a peer still sends, so that closing does not destroy the answer on its way.
    pub(crate) async fn drain(&mut self) {
        let mut left = 16 * MAX_BODY;
        while left > 0 {
            self.buffer.clear();
            if !self.read_more().await {
                return;
            }
            left = left.saturating_sub(self.buffer.len());
        }
    }

    async fn read_more(&mut self) -> bool {
        if self.buffer.capacity() - self.buffer.len() < 1024 {
            self.buffer.reserve(4096);
        }
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(read) if read > 0)
    }

    fn must_continue(&self, request: &Request) -> bool {
        self.buffer.is_empty()
            && request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    async fn write_continue(&mut self) -> io::Result<()> {
        self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        self.stream.flush().await
    }

    fn take_head(&mut self) -> Option<Result<(Request, Framing), u16>> {
        if self.buffer.is_empty() {
            return None;
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let length = match parsed.parse(&self.buffer) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return None,
            Err(httparse::Error::TooManyHeaders) => return Some(Err(431)),
            Err(_) => return Some(Err(400)),
        };
        if length > MAX_HEAD {
            return Some(Err(431));
        }
        let request = convert(&parsed);
        self.buffer.drain(..length);
        Some(framing(&request).map(|framing| (request, framing)))
    }

    fn take_body(&mut self, framing: &Framing) -> Option<Result<Vec<u8>, u16>> {
        match framing {
            Framing::Length(length) if *length > MAX_BODY => Some(Err(413)),
            Framing::Length(length) => {
                (self.buffer.len() >= *length).then(|| Ok(self.buffer.drain(..*length).collect::<Vec<u8>>()))
            }
            Framing::Chunked => match read_chunks(&self.buffer) {
                Ok(Some((body, used))) => {
                    self.buffer.drain(..used);
                    Some(Ok(body))
                }
                Ok(None) if self.buffer.len() > 2 * MAX_BODY => Some(Err(413)),
                Ok(None) => None,
                Err(status) => Some(Err(status)),
            },
        }
    }
}

fn convert(parsed: &httparse::Request<'_, '_>) -> Request {
    let target = parsed.path.unwrap_or("/");
    let target = origin_form(target);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(String, String)> = parsed
        .headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_ascii_lowercase(), value)
        })
        .collect();
    let asked = |token: &str| {
        headers
            .iter()
            .filter(|(name, _)| name == "connection")
            .flat_map(|(_, value)| value.split(','))
            .any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    let keep_alive = match parsed.version {
        Some(0) => asked("keep-alive"),
        _ => !asked("close"),
    };
    Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        body: Vec::new(),
        keep_alive,
        headers,
        peer: Arc::default(),
    }
}

/// A client that speaks to a proxy sends the whole URL; only its path matters here.
fn origin_form(target: &str) -> &str {
    match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("/", |slash| &rest[slash..]),
        _ => target,
    }
}

fn framing(request: &Request) -> Result<Framing, u16> {
    let mut lengths = request.headers_named("content-length");
    let length = lengths.next();
    if lengths.any(|other| Some(other) != length) {
        return Err(400);
    }
    match (request.header("transfer-encoding"), length) {
        (Some(_), Some(_)) => Err(400),
        (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        (Some(_), None) => Err(501),
        (None, None) => Ok(Framing::Length(0)),
        (None, Some(length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            length.parse().map(Framing::Length).map_err(|_| 400)
        }
        (None, Some(_)) => Err(400),
    }
}

/// The body and how many bytes it took; `None` while the last chunk is missing.
fn read_chunks(buffer: &[u8]) -> Result<Option<(Vec<u8>, usize)>, u16> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let (used, size) = match httparse::parse_chunk_size(&buffer[at..]) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(400),
        };
        at += used;
        if size == 0 {
            return Ok(end_of_trailers(&buffer[at..]).map(|length| (body, at + length)));
        }
        let size = usize::try_from(size).map_err(|_| 413_u16)?;
        if body.len().saturating_add(size) > MAX_BODY {
            return Err(413);
        }
        let Some(chunk) = buffer.get(at..at + size + 2) else {
            return Ok(None);
        };
        let Some(chunk) = chunk.strip_suffix(b"\r\n") else {
            return Err(400);
        };
        body.extend_from_slice(chunk);
        at += size + 2;
    }
}

fn end_of_trailers(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b"\r\n") {
        return Some(2);
    }
    let end = rest.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let wire = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nnext";
        let (body, used) = read_chunks(wire).unwrap().unwrap();
        assert_eq!((body.as_slice(), used), (&b"abcde"[..], wire.len() - 4));
        for cut in 0..wire.len() - 4 {
            assert_eq!(read_chunks(&wire[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(read_chunks(b"3\r\nabcde\r\n"), Err(400));
        assert_eq!(read_chunks(b"fffffffff\r\n"), Err(413));
    }

    #[test]
    fn the_target_of_a_proxied_request_is_its_path() {
        assert_eq!(origin_form("http://h:1/a?b"), "/a?b");
        assert_eq!(origin_form("http://h"), "/");
        assert_eq!(origin_form("/a?u=http://b/"), "/a?u=http://b/");
    }
}
