//! A secret from a real Secret Service: gnome-keyring on a D-Bus of its own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // in helpers of tests

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use process::Variables;
use serde_json::json;
use tokenwell::{Client, Config};
use tokenwell_dev_server::{DevServer, Options};

#[allow(dead_code)] // what the other tests need
#[path = "support/process.rs"]
mod process;

/// A bus with an unlocked key ring, until it is dropped.
struct Session {
    programs: Vec<Child>,
    folder: PathBuf,
    _until_the_end: Variables,
}

impl Session {
    fn start() -> Session {
        let folder = std::env::temp_dir().join(format!("tokenwell-keyring-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon is there");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let variables = json!({"DBUS_SESSION_BUS_ADDRESS": address.trim(), "HOME": folder, "XDG_DATA_HOME": null,
            "XDG_RUNTIME_DIR": folder, "DISPLAY": null});
        let _until_the_end = Variables::set(variables.as_object().unwrap());
        let mut ring = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("gnome-keyring-daemon is there");
        ring.stdin.take().unwrap().write_all(b"a passphrase").unwrap();
        // It says where it is when it is ready; asked before, the bus would start another one.
        BufReader::new(ring.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
        Session { programs: vec![ring, bus], folder, _until_the_end }
    }

    fn store(&self, secret: &str) {
        let mut program = Command::new("secret-tool")
            .args(["store", "--label=Tokenwell", "service", "issuer", "username", "reports"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("secret-tool is there");
        program.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        assert!(program.wait().unwrap().success());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn f28_a_key_ring_is_read_for_each_fetch() {
    let server = DevServer::start(Options::default()).unwrap();
    let info = server.info();
    let session = Session::start();
    let options = json!({"token_endpoint": info.token_endpoint, "client_id": info.client_id, "cache": "none",
        "client_secret": {"keyring": {"service": "issuer", "account": "reports"}}});
    let client = Client::new(Config::from_value(options).unwrap()).unwrap();

    let error = client.blocking().token().unwrap_err();
    assert!(error.is_secret() && error.code() == "secret_keyring_failed", "{error:?}");
    assert!(error.message().contains("reports of issuer"), "{error}");
    session.store("hush, not this one");
    let error = client.blocking().token().unwrap_err();
    assert!(error.code() == "invalid_client" && !format!("{error:?}").contains("hush"), "{error:?}");
    session.store(&info.client_secret);
    assert!(!client.blocking().token().unwrap().is_empty());
}
