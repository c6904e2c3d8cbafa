//! Scripted answers: what a realm says instead of, or on top of, its real answer.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::response::{Body, Response};

/// The longest line of additional headers; some clients refuse longer ones for a reason of their own.
const PAD_LINE: usize = 8000;
/// The shortest line: `x-pad-00: a` and the line's end.
const PAD_LEAST: usize = "x-pad-00: a\r\n".len();

/// A way to misbehave on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    Hang,
    Reset,
    Close,
    SlowHeaders,
    SlowBody,
    TruncatedChunked,
    ContentLengthTooLong,
    ExtraResponse,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    Gzip,
}

/// One answer of a script, as the control interface takes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Answer {
    issue: Option<Map<String, Value>>,
    omit: Vec<String>,
    #[serde(deserialize_with = "present")]
    json: Option<Value>,
    raw: Option<String>,
    raw_base64: Option<String>,
    raw_repeat: Option<(String, u64)>,
    raw_prefix: String,
    raw_suffix: String,
    status: Option<u16>,
    headers: Map<String, Value>,
    pad_headers: usize,
    encoding: Option<Encoding>,
    times: i64,
    delay: f64,
    pub(crate) fault: Option<Fault>,
    location: Option<String>,
}

impl Default for Answer {
    fn default() -> Answer {
        Answer {
            issue: None,
            omit: Vec::new(),
            json: None,
            raw: None,
            raw_base64: None,
            raw_repeat: None,
            raw_prefix: String::new(),
            raw_suffix: String::new(),
            status: None,
            headers: Map::new(),
            pad_headers: 0,
            encoding: None,
            times: 1,
            delay: 0.0,
            fault: None,
            location: None,
        }
    }
}

/// A JSON null that was sent is a value too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Changes to the members of a real answer.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Edits<'a> {
    merge: Option<&'a Map<String, Value>>,
    omit: &'a [String],
}

impl Edits<'_> {
    pub(crate) fn apply(&self, members: &mut Map<String, Value>) {
        for (name, value) in self.merge.into_iter().flatten() {
            members.insert(name.clone(), value.clone());
        }
        for name in self.omit {
            members.remove(name);
        }
    }
}

impl Answer {
    /// Refuses what has no meaning, so that a mistake in a scenario does not pass for a server's behaviour.
    fn check(&self) -> Result<(), String> {
        let bodies = [
            self.issue.is_some(),
            self.json.is_some(),
            self.raw.is_some(),
            self.raw_base64.is_some(),
            self.raw_repeat.is_some(),
        ];
        if bodies.iter().filter(|body| **body).count() > 1 {
            return Err("an answer has only one of issue, json, raw, raw_base64 and raw_repeat".to_owned());
        }
        if !self.omit.is_empty() && self.issue.is_none() {
            return Err("omit needs issue".to_owned());
        }
        if self.raw_repeat.is_none() && !(self.raw_prefix.is_empty() && self.raw_suffix.is_empty()) {
            return Err("raw_prefix and raw_suffix need raw_repeat".to_owned());
        }
        if self.status.is_some_and(|status| !(100..1000).contains(&status)) {
            return Err("status must have three digits".to_owned());
        }
        if !(0.0..=86_400.0).contains(&self.delay) {
            return Err("delay must be from 0 to 86400 seconds".to_owned());
        }
        if self.times == 0 || self.times < -1 {
            return Err("times must be -1 or at least 1".to_owned());
        }
        if self.pad_headers > 0 && self.pad_headers < PAD_LEAST {
            return Err(format!("pad_headers must be at least {PAD_LEAST}"));
        }
        if let Some((name, _)) = self.headers.iter().find(|(_, value)| value.is_object()) {
            return Err(format!("the header {name} must be a string, a list of strings or null"));
        }
        self.decoded().map(drop)
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_secs_f64(self.delay)
    }

    fn decoded(&self) -> Result<Option<Vec<u8>>, String> {
        self.raw_base64
            .as_deref()
            .map(|text| STANDARD.decode(text))
            .transpose()
            .map_err(|error| format!("raw_base64: {error}"))
    }

    /// The answer; `real` gives that of the realm, where the script only edits it.
    ///
    /// `date` is the time in the realm as an HTTP date.
    pub(crate) fn respond(&self, real: impl FnOnce(Edits<'_>) -> Response, date: &str) -> Response {
        let mut response = match self.own_body() {
            Some(body) => {
                let status = self.own_status();
                if body.len() == 0 && self.raw.is_none() {
                    Response::empty(status)
                } else {
                    Response::new(status, "application/json", body)
                }
            }
            None => {
                let mut response = real(Edits { merge: self.issue.as_ref(), omit: &self.omit });
                // A refusal of the realm stays what it is.
                if response.status == 200 {
                    response.status = self.own_status();
                }
                response
            }
        };
        response.set_header("Date", [date.to_owned()]);
        self.dress(&mut response);
        response
    }

    fn own_status(&self) -> u16 {
        let fallback = if self.location.is_some() { 302 } else { 200 };
        self.status.unwrap_or(fallback)
    }

    /// `None` when the realm's real answer is wanted.
    fn own_body(&self) -> Option<Body> {
        if let Some((text, times)) = &self.raw_repeat {
            return Some(Body::Repeated {
                prefix: self.raw_prefix.clone(),
                text: text.clone(),
                times: *times,
                suffix: self.raw_suffix.clone(),
            });
        }
        let bytes = if let Some(json) = &self.json {
            json.to_string().into_bytes()
        } else if let Some(raw) = &self.raw {
            raw.clone().into_bytes()
        } else if let Ok(Some(bytes)) = self.decoded() {
            bytes
        } else if self.issue.is_none() && (self.status.is_some() || self.location.is_some()) {
            Vec::new()
        } else {
            return None;
        };
        Some(Body::Bytes(bytes))
    }

    fn dress(&self, response: &mut Response) {
        if let Some(location) = &self.location {
            response.set_header("Location", [location.clone()]);
        }
        for (name, value) in &self.headers {
            response.set_header(name, header_values(value));
            if value.is_null() && name.eq_ignore_ascii_case("content-length") {
                response.unframed = true;
            }
        }
        response.headers.extend(padding(self.pad_headers));
        response.gzip = self.encoding == Some(Encoding::Gzip);
    }
}

fn header_values(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(header_values).collect(),
        other => vec![other.to_string()],
    }
}

/// Headers of exactly so many bytes, the line ends counted.
fn padding(bytes: usize) -> Vec<(String, String)> {
    let mut left = bytes;
    let mut headers = Vec::new();
    while left > 0 {
        let mut line = left.min(PAD_LINE);
        if left - line > 0 && left - line < PAD_LEAST {
            line = left - PAD_LEAST;
        }
        let name = format!("x-pad-{:02}", headers.len());
        let value = "a".repeat(line.saturating_sub(name.len() + ": \r\n".len()));
        headers.push((name, value));
        left -= line;
    }
    headers
}

/// The answers that are left.
#[derive(Debug, Default)]
pub(crate) struct Script(VecDeque<Answer>);

impl Script {
    pub(crate) fn new(value: Value) -> Result<Script, String> {
        let answers: VecDeque<Answer> = serde_json::from_value(value).map_err(|error| format!("script: {error}"))?;
        for (index, answer) in answers.iter().enumerate() {
            answer.check().map_err(|problem| format!("script, answer {index}: {problem}"))?;
        }
        Ok(Script(answers))
    }

    pub(crate) fn next(&mut self) -> Option<Answer> {
        let first = self.0.front_mut()?;
        if first.times == -1 {
            return Some(first.clone());
        }
        if first.times > 1 {
            first.times -= 1;
            return Some(first.clone());
        }
        self.0.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn padding_has_exactly_the_size_asked_for() {
        for bytes in [0, 13, 14, 7999, 8000, 8001, 8012, 8013, 70_000, 500_003] {
            let total: usize = padding(bytes).iter().map(|(name, value)| name.len() + value.len() + 4).sum();
            assert_eq!(total, bytes);
        }
    }

    #[test]
    fn answers_are_used_as_often_as_they_say() {
        let mut script = Script::new(json!([
            {"status": 500, "times": 2}, {"status": 501}, {"status": 502, "times": -1}
        ]))
        .unwrap();
        let used: Vec<_> = (0..6).filter_map(|_| script.next()?.status).collect();
        assert_eq!(used, [500, 500, 501, 502, 502, 502]);
    }

    #[test]
    fn mistakes_are_refused() {
        for wrong in [
            json!([{"isue": {}}]),
            json!([{"issue": {}, "json": {}}]),
            json!([{"omit": ["scope"]}]),
            json!([{"fault": "explode"}]),
            json!([{"times": 0}]),
            json!([{"delay": -1}]),
            json!([{"status": 20}]),
            json!([{"raw_base64": "*"}]),
            json!({"issue": {}}),
        ] {
            assert!(Script::new(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_null_body_is_a_body() {
        let answer = Script::new(json!([{"json": null}])).unwrap().next().unwrap();
        let response = answer.respond(|_| panic!("the real answer is not wanted"), "");
        assert!(matches!(response.body, Body::Bytes(bytes) if bytes == b"null"));
    }
}
