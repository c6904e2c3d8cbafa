//! `serve`: the development server behind the same program.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{bare, program, run};

#[test]
fn it_serves_until_its_input_ends() {
    let mut child = program(&["serve", "--port", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let info: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(run(&info, &["token"]).code, 0);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn wrong_arguments_are_refused() {
    let done = bare(&["serve", "--port", "many", "--json"]);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    let error: Value = serde_json::from_str(done.err.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "arguments_invalid");
}
