//! A development server, and runs of the program.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tokenwell_dev_server::{DevServer, Info, Options};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tokenwell");

/// A development server of its own, and what is known of one of its realms. Reads as that JSON.
pub struct Realm {
    server: DevServer,
    variables: Value,
}

impl Realm {
    /// The first realm.
    pub fn root() -> Realm {
        let server = DevServer::start(Options::default()).unwrap();
        let variables = serde_json::to_value(server.info()).unwrap();
        Realm { server, variables }
    }

    /// A realm that is made with these settings.
    pub fn new(settings: &Value) -> Realm {
        let realm = Realm::root();
        let url = format!("{}/realms", realm.info().control);
        let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let body = settings.to_string();
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{body}");
        let variables = serde_json::from_str::<Value>(body).unwrap()["vars"].take();
        Realm { variables, ..realm }
    }

    pub fn info(&self) -> &Info {
        self.server.info()
    }
}

impl Deref for Realm {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.variables
    }
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub fn error(&self) -> Value {
        assert_eq!(self.out, "", "{self:?}");
        serde_json::from_str::<Value>(&self.err).unwrap_or_else(|_| panic!("{self:?}"))["error"].take()
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The program with these arguments and no variables but PATH.
pub fn program(args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
    command
}

/// A run without variables.
pub fn bare(args: &[&str]) -> Run {
    program(args).output().unwrap().into()
}

/// The program with the realm's client in the environment.
pub fn with(realm: &Value, args: &[&str]) -> Command {
    let mut command = program(args);
    for name in ["token_endpoint", "client_id", "client_secret"] {
        command.env(format!("TOKENWELL_{}", name.to_uppercase()), realm[name].as_str().unwrap());
    }
    command
}

pub fn run(realm: &Value, args: &[&str]) -> Run {
    with(realm, args).output().unwrap().into()
}

/// A folder that goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tokenwell-cli-test-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
