//! A realm of the development server, through its control interface (core/conformance/README.md).

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Map, Value, json};

/// An authorization server of its own; it is deleted when dropped.
pub struct Realm {
    control: String,
    name: String,
    /// What `${name}` stands for in a scenario.
    pub vars: Map<String, Value>,
}

impl Realm {
    pub fn new(control: &str, server: &Value) -> Realm {
        let made = request(control, "POST", "/realms", server);
        Realm {
            control: control.to_owned(),
            name: made["realm"].as_str().expect("a realm has a name").to_owned(),
            vars: made["vars"].as_object().expect("a realm has variables").clone(),
        }
    }

    fn ask(&self, method: &str, what: &str, body: &Value) -> Value {
        request(&self.control, method, &format!("/realms/{}{what}", self.name), body)
    }

    pub fn log(&self) -> Value {
        self.ask("GET", "/requests", &Value::Null)
    }

    pub fn advance(&self, seconds: f64) {
        self.ask("POST", "/clock", &json!({"advance": seconds}));
    }

    pub fn script(&self, answers: &Value) {
        self.ask("POST", "/script", answers);
    }

    /// Replaces `${name}` in every string; a string that is one `${name}` alone becomes the variable's value.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.fill_text(text),
            Value::Array(list) => list.iter().map(|item| self.fill(item)).collect(),
            Value::Object(map) => map.iter().map(|(name, item)| (name.clone(), self.fill(item))).collect(),
            other => other.clone(),
        }
    }

    fn fill_text(&self, text: &str) -> Value {
        if let Some(whole) = text.strip_prefix("${").and_then(|rest| self.vars.get(rest.strip_suffix('}')?)) {
            return whole.clone();
        }
        let filled = self.vars.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value.as_str().unwrap_or_default())
        });
        Value::String(filled)
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        self.ask("DELETE", "", &Value::Null);
    }
}

fn request(control: &str, method: &str, path: &str, body: &Value) -> Value {
    let answer = send(method, &format!("{control}{path}"), &[], &body.to_string());
    assert!(answer.status == 200, "{method} {path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("the control interface answers in JSON")
}

/// What came back for a request.
pub struct Answer {
    pub status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The value of a header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// One request over a connection of its own, by http.
pub fn send(method: &str, url: &str, headers: &[(&str, String)], body: &str) -> Answer {
    let (host, path) =
        url.strip_prefix("http://").and_then(|url| url.split_once('/')).expect("a URL of http with a path");
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut stream = TcpStream::connect(host).expect("the development server listens");
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .expect("the development server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the development server answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an HTTP answer has a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
