//! The Redis of a case.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Map, Value};

/// Servers that are gone when this is dropped (core/conformance/redis.py).
pub struct Redis {
    script: Child,
    steps: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub vars: Map<String, Value>,
}

impl Redis {
    /// `server`, `cluster` or `sentinel`.
    pub fn new(kind: &str) -> Redis {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/redis.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(kind).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().expect("python3 is there");
        let steps = script.stdin.take();
        let answers = BufReader::new(script.stdout.take().expect("a pipe"));
        let mut redis = Redis { script, steps, answers, vars: Map::new() };
        redis.vars = redis.answer().as_object().cloned().expect("redis-server and openssl are there");
        redis
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the script answers");
        serde_json::from_str(&line).unwrap_or_default()
    }

    pub fn step(&mut self, step: &Value) -> Result<(), String> {
        let steps = self.steps.as_mut().expect("the script reads");
        writeln!(steps, "{step}").expect("the script reads");
        match self.answer()["error"].as_str() {
            None => Ok(()),
            Some(why) => Err(why.to_owned()),
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.steps.take());
        let _ = self.script.wait();
    }
}
