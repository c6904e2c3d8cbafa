//! A small HTTP client that shows bytes as they are.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokenwell_dev_server::{DevServer, Options};

pub const GRANT: &str = "grant_type=client_credentials";
/// No test waits longer than this for bytes.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn start() -> DevServer {
    DevServer::start(Options::default()).unwrap()
}

/// `http://host:port/path` as `host:port` and `/path`.
pub fn split_url(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").unwrap().1;
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

pub fn basic(id: &str, secret: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{id}:{secret}")))
}

pub fn post(path: &str, headers: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}Content-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

/// An answer whose body arrived in full.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A connection over which requests are sent and answers read.
pub struct Wire<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl Wire<TcpStream> {
    pub fn open(address: &str) -> Wire<TcpStream> {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire::new(stream)
    }

    /// What arrives within this time.
    pub fn arrives_within(&mut self, time: Duration) -> Vec<u8> {
        let end = Instant::now() + time;
        let mut arrived = std::mem::take(&mut self.buffer);
        let mut buffer = [0; 1024];
        while let Some(left) = end.checked_duration_since(Instant::now())
            && !left.is_zero()
        {
            self.stream.set_read_timeout(Some(left)).unwrap();
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => arrived.extend_from_slice(&buffer[..read]),
                Err(error) if is_timeout(&error) => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        arrived
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

impl<S: Read + Write> Wire<S> {
    pub fn new(stream: S) -> Wire<S> {
        Wire { stream, buffer: Vec::new() }
    }

    pub fn send(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    /// Everything until the end of the connection.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = std::mem::take(&mut self.buffer);
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend_from_slice(&buffer[..read]);
        Ok(())
    }

    fn until(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            let found = self.buffer.windows(end.len()).position(|at| at == end);
            if let Some(at) = found {
                return Ok(self.buffer.drain(..at + end.len()).collect());
            }
            self.more()?;
        }
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.more()?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    /// Reads one answer; an error where the connection ends before it does.
    pub fn receive(&mut self) -> io::Result<Answer> {
        let head = String::from_utf8(self.until(b"\r\n\r\n")?).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let line = String::from_utf8(self.until(b"\r\n")?).unwrap();
                let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
                let chunk = self.exactly(length + 2)?;
                answer.body.extend_from_slice(&chunk[..length]);
                if length == 0 {
                    break;
                }
            }
        } else if let Some(length) = answer.header("content-length") {
            answer.body = self.exactly(length.parse().unwrap())?;
        } else if ![204, 304].contains(&answer.status) {
            answer.body = self.rest()?;
        }
        Ok(answer)
    }

    pub fn ask(&mut self, request: &str) -> Answer {
        self.send(request);
        self.receive().unwrap()
    }
}

/// A realm of a running server.
pub struct Realm<'a> {
    pub server: &'a DevServer,
    pub name: String,
    pub vars: Value,
}

impl<'a> Realm<'a> {
    pub fn new(server: &'a DevServer, config: Value) -> Realm<'a> {
        let (status, made) = server.control("POST", "/realms", &config);
        assert_eq!(status, 200, "{made}");
        Realm { server, name: made["realm"].as_str().unwrap().to_owned(), vars: made["vars"].clone() }
    }

    pub fn scripted(server: &'a DevServer, script: Value) -> Realm<'a> {
        Realm::new(server, json!({"script": script}))
    }

    pub fn var(&self, name: &str) -> &str {
        self.vars[name].as_str().unwrap()
    }

    pub fn path(&self) -> &str {
        split_url(self.var("token_endpoint")).1
    }

    pub fn wire(&self) -> Wire<TcpStream> {
        Wire::open(split_url(self.var("token_endpoint")).0)
    }

    pub fn basic(&self) -> String {
        basic(self.var("client_id"), self.var("client_secret"))
    }

    /// A correct token request.
    pub fn token_request(&self) -> String {
        post(self.path(), &self.basic(), GRANT)
    }

    /// The answer to a correct token request on a connection of its own.
    pub fn token(&self) -> Answer {
        self.wire().ask(&self.token_request())
    }

    pub fn introspect(&self, token: &str) -> Value {
        let path = split_url(self.var("introspection_endpoint")).1;
        let request = post(path, &self.basic(), &format!("token={token}"));
        self.wire().ask(&request).json()
    }

    pub fn report(&self) -> Value {
        let path = format!("/realms/{}/requests", self.name);
        let (status, report) = self.server.control("GET", &path, &Value::Null);
        assert_eq!(status, 200);
        report
    }

    pub fn advance(&self, seconds: f64) -> u64 {
        let path = format!("/realms/{}/clock", self.name);
        let (status, answer) = self.server.control("POST", &path, &json!({"advance": seconds}));
        assert_eq!(status, 200);
        answer["now"].as_u64().unwrap()
    }

    /// Waits until so many token requests are under way.
    pub fn wait_in_flight(&self, count: u64) {
        let end = Instant::now() + PATIENCE;
        while self.report()["in_flight"] != count {
            assert!(Instant::now() < end, "{}", self.report());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
