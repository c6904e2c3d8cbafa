//! The binary: its line of JSON, and how it ends.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::client::{GRANT, Wire, basic, post, split_url};

const BINARY: &str = env!("CARGO_BIN_EXE_tokenwell-dev-server");

fn run(arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(BINARY).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    child.stdout = Some(stdout.into_inner());
    (child, serde_json::from_str(&line).unwrap())
}

fn folder(info: &Value) -> &Path {
    let ca_file = Path::new(info["ca_file"].as_str().unwrap());
    assert!(ca_file.exists());
    ca_file.parent().unwrap()
}

fn ends_cleanly(mut child: Child, info: &Value) {
    assert!(child.wait().unwrap().success());
    let mut rest = String::new();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line and no more");
    let folder = Path::new(info["ca_file"].as_str().unwrap()).parent();
    assert!(!folder.unwrap().exists());
}

#[test]
fn it_serves_until_its_input_ends() {
    let (mut child, info) = run(&["--port", "0"]);
    folder(&info);
    let text = |name: &str| info[name].as_str().unwrap();
    let (address, path) = split_url(text("token_endpoint"));
    let credential = basic(text("client_id"), text("client_secret"));
    let answer = Wire::open(address).ask(&post(path, &credential, GRANT));
    assert_eq!(answer.status, 200);
    for name in ["issuer", "introspection_endpoint", "control", "https_issuer", "https_token_endpoint"] {
        assert!(info[name].is_string(), "{name}");
    }
    drop(child.stdin.take());
    ends_cleanly(child, &info);
}

#[cfg(unix)]
#[test]
fn without_input_it_serves_until_it_is_killed() {
    use rustix::process::{Pid, Signal, kill_process};

    let (mut child, info) = run(&["--no-stdin"]);
    folder(&info);
    drop(child.stdin.take());
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none());
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    ends_cleanly(child, &info);
}

#[test]
fn a_port_can_be_chosen_and_taken_only_once() {
    let (mut child, info) = run(&[]);
    let port = split_url(info["issuer"].as_str().unwrap()).0.rsplit_once(':');
    let port = port.unwrap().1.to_owned();
    let second = Command::new(BINARY).args(["--port", &port]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(second.stdout.is_empty() && !second.stderr.is_empty());
    drop(child.stdin.take());
    ends_cleanly(child, &info);
    let (mut child, info) = run(&["--port", &port]);
    assert_eq!(info["issuer"], format!("http://127.0.0.1:{port}"));
    drop(child.stdin.take());
    ends_cleanly(child, &info);
}

#[test]
fn help_is_shown_and_mistakes_are_refused() {
    let help = Command::new(BINARY).arg("--help").output().unwrap();
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("--no-stdin"));
    let wrong = Command::new(BINARY).arg("--prot").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(wrong.stdout.is_empty());
}
