//! The control interface, described in `core/conformance/README.md`.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::realm::Realm;
use crate::site::{ROOT, Site};

/// Status and answer.
pub(crate) type Outcome = (u16, Value);

/// Does what a request asks for; `path` is what follows `/control`.
pub(crate) fn handle(site: &Site, method: &str, path: &str, body: &[u8]) -> Outcome {
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, segments.as_slice()) {
        ("POST", ["realms"]) => add(site, body),
        ("DELETE", ["realms", name]) => remove(site, name),
        ("GET", ["realms", name, "requests"]) => with_realm(site, name, |realm| Ok(realm.report())),
        ("POST", ["realms", name, "clock"]) => with_realm(site, name, |realm| advance(realm, body)),
        ("POST", ["realms", name, "script"]) => {
            with_realm(site, name, |realm| realm.set_script(read(body)?).map(|()| json!({})))
        }
        _ => failed(404, "no such control request"),
    }
}

fn failed(status: u16, problem: &str) -> Outcome {
    (status, json!({"error": problem}))
}

fn read(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))
}

fn add(site: &Site, body: &[u8]) -> Outcome {
    let config = if body.is_empty() { Ok(json!({})) } else { read(body) };
    match config.and_then(|config| site.add(config)) {
        Ok((name, realm)) => (200, json!({"realm": name, "vars": realm.vars})),
        Err(problem) => failed(400, &problem),
    }
}

fn remove(site: &Site, name: &str) -> Outcome {
    if name == ROOT {
        failed(400, "the root realm stays")
    } else if site.remove(name) {
        (200, json!({}))
    } else {
        failed(404, "no such realm")
    }
}

fn with_realm(site: &Site, name: &str, action: impl FnOnce(&Arc<Realm>) -> Result<Value, String>) -> Outcome {
    let Some(realm) = site.realm(name) else {
        return failed(404, "no such realm");
    };
    match action(&realm) {
        Ok(value) => (200, value),
        Err(problem) => failed(400, &problem),
    }
}

fn advance(realm: &Realm, body: &[u8]) -> Result<Value, String> {
    let seconds = read(body)?.get("advance").and_then(Value::as_f64).ok_or("advance must be a number of seconds")?;
    Ok(json!({"now": realm.advance(seconds) as u64}))
}
