//! Expectations of a scenario against what happened. Each gives the differences, in words.

use serde_json::{Map, Value, json};
use tokenwell::Error;

use super::calls::Got;

/// What is known when an expectation of a token is checked.
pub struct Known<'a> {
    pub last: Option<&'a str>,
    /// The realm's list of issued tokens.
    pub issued: &'a Value,
}

/// `expected` beside what is there, if they differ.
fn differ(name: &str, expected: &Value, is: impl Into<Value>) -> Option<String> {
    let is = is.into();
    (*expected != is).then(|| format!("{name} is {is}, expected {expected}"))
}

pub fn token(got: &Got, expect: &Map<String, Value>, known: &Known) -> Vec<String> {
    expect.iter().filter_map(|(name, expected)| member(got, name, expected, known)).collect()
}

fn member(got: &Got, name: &str, expected: &Value, known: &Known) -> Option<String> {
    let (is, token) = match (got, name) {
        (_, "token") => return identity(got.token(), expected, known),
        (_, "length") => return differ(name, expected, got.token().len()),
        (Got::Text(text), "value") => return differ(name, expected, text.as_str()),
        (Got::Token(token), "value") => return differ(name, expected, token.value()),
        (Got::Text(_), _) => panic!("a string has no {name}"),
        (Got::Token(token), _) => (name, token),
    };
    match is {
        "token_type" => differ(name, expected, token.token_type()),
        "scope" => differ(name, expected, token.scope()),
        "source" => differ(name, expected, token.source().as_str()),
        "expires_in" => {
            let most = expected.as_u64().expect("expires_in is a number of seconds");
            let near = most.saturating_sub(2)..=most;
            (!near.contains(&token.expires_in()))
                .then(|| format!("expires_in is {}, expected {most}", token.expires_in()))
        }
        "extra" => members(expected.as_object().expect("extra is an object"), token.extra()).into_iter().next(),
        _ => panic!("unknown expectation of a token: {name}"),
    }
}

/// Those of an answer that differ; null: absent.
pub fn members(expect: &Map<String, Value>, is: &Map<String, Value>) -> Vec<String> {
    expect.iter().filter_map(|(name, expected)| differ(name, expected, is.get(name).cloned())).collect()
}

fn identity(token: &str, expected: &Value, known: &Known) -> Option<String> {
    let is_issued = known.issued.as_array().is_some_and(|issued| issued.iter().any(|one| one == token));
    let (right, wrong) = match expected.as_str().expect("token is a string") {
        "issued" => (is_issued, "is not one that the realm issued"),
        "same" => (known.last == Some(token), "is another than the last"),
        "new" => (is_issued && known.last.is_some_and(|last| last != token), "is not a new one of the realm"),
        exact => (token == exact, "is not the expected one"),
    };
    (!right).then(|| format!("the token {wrong}"))
}

pub fn error(error: &Error, expect: &Map<String, Value>) -> Vec<String> {
    expect.iter().filter_map(|(name, expected)| fault(error, name, expected)).collect()
}

fn fault(error: &Error, name: &str, expected: &Value) -> Option<String> {
    match name {
        "kind" => differ(name, expected, error.kind().name()),
        "code" => differ(name, expected, error.code()),
        "message" => differ(name, expected, error.message()),
        "retryable" => differ(name, expected, error.retryable()),
        "http_status" => differ(name, expected, error.http_status()),
        "error_description" => differ(name, expected, error.error_description()),
        "message_contains" => lacks(name, expected, error.message()),
        "hint_contains" => lacks(name, expected, error.hint().unwrap_or_default()),
        "description_contains" => lacks(name, expected, error.error_description().unwrap_or_default()),
        "retry_after" => match (expected.as_f64(), error.retry_after()) {
            (Some(seconds), Some(is)) if (is - seconds).abs() <= 1.0 => None,
            (_, is) => differ(name, expected, is),
        },
        _ => panic!("unknown expectation of an error: {name}"),
    }
}

fn lacks(name: &str, expected: &Value, text: &str) -> Option<String> {
    let parts = expected.as_array().cloned().unwrap_or_else(|| vec![expected.clone()]);
    let missing = parts.into_iter().find(|part| !text.contains(part.as_str().expect("a part is a string")))?;
    Some(format!("{name} {missing} is not in {text:?}"))
}

pub fn requests(log: &Value, expect: &Map<String, Value>) -> Vec<String> {
    let list = log["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let count = list.len();
    let check = |(name, expected): (&String, &Value)| match name.as_str() {
        "count" => differ("the number of requests", expected, count).into_iter().collect(),
        "canary" => differ("the canary's count", expected, log["canary"].clone()).into_iter().collect(),
        "at_most" if expected.as_u64().is_some_and(|most| count as u64 <= most) => Vec::new(),
        "at_most" => vec![format!("there were {count} requests, expected at most {expected}")],
        "first" => parts(list.first(), expected),
        "last" => parts(list.last(), expected),
        _ => panic!("unknown expectation of the log: {name}"),
    };
    expect.iter().flat_map(check).collect()
}

fn parts(request: Option<&Value>, expect: &Value) -> Vec<String> {
    let Some(request) = request else { return vec!["there was no request".to_owned()] };
    let expect = expect.as_object().expect("the parts of a request");
    let check = |(name, expected): (&String, &Value)| match (name.as_str(), expected) {
        // Of these, what is not named may be anything; null stands for absent.
        ("headers" | "form", Value::Object(members)) => members
            .iter()
            .filter_map(|(key, value)| differ(&format!("{name} {key}"), value, request[name].get(key).cloned()))
            .collect(),
        _ => differ(name, expected, request[name].clone()).into_iter().collect::<Vec<_>>(),
    };
    expect.iter().flat_map(check).collect()
}

pub fn stats(stats: &tokenwell::Stats, expect: &Map<String, Value>) -> Vec<String> {
    let is = json!(stats);
    expect.iter().filter_map(|(name, expected)| differ(name, expected, is[name].clone())).collect()
}
