//! A realm: an authorization server of its own, with its client, script, clock and log.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::client_auth::{AuthMethod, BasicEncoding};
use crate::http::Request;
use crate::log::Log;
use crate::script::{Answer, Script};

/// The end of the year 9999, the last that an HTTP date can say.
const LAST_SECOND: f64 = 253_402_300_799.0;
const MAX_ISSUED: usize = 20_000;

/// So many random bytes as base64url.
pub(crate) fn random_text(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    SystemRandom::new().fill(&mut buffer).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(buffer)
}

/// What a realm is made of: the member `server` of a scenario.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RealmConfig {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    auth_methods: Vec<AuthMethod>,
    basic_encoding: BasicEncoding,
    script: Value,
    metadata_script: Value,
    expires_in: u64,
}

impl Default for RealmConfig {
    fn default() -> RealmConfig {
        RealmConfig {
            client_id: format!("client-{}", random_text(6)),
            client_secret: random_text(24),
            auth_methods: vec![AuthMethod::Basic, AuthMethod::Post],
            basic_encoding: BasicEncoding::Form,
            script: json!([]),
            metadata_script: json!([]),
            expires_in: 3600,
        }
    }
}

/// Which of a realm's scripts a request uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ScriptOf {
    Token,
    Metadata,
}

/// An issued token, without the token.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) scope: Option<String>,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
}

#[derive(Debug, Default)]
struct State {
    script: Script,
    metadata_script: Script,
    log: Log,
    issued: VecDeque<String>,
    grants: HashMap<String, Grant>,
    /// How far the realm's clock is ahead of the real one, in seconds.
    offset: f64,
}

/// An authorization server of its own.
#[derive(Debug)]
pub(crate) struct Realm {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) auth_methods: Vec<AuthMethod>,
    pub(crate) basic_encoding: BasicEncoding,
    pub(crate) expires_in: u64,
    pub(crate) vars: Map<String, Value>,
    state: Mutex<State>,
    in_flight: AtomicUsize,
    canary: AtomicU64,
    /// Becomes true when the realm is deleted, which ends what hangs.
    closed: watch::Sender<bool>,
}

impl Realm {
    pub(crate) fn new(config: RealmConfig, vars: Map<String, Value>) -> Result<Realm, String> {
        let state = State {
            script: Script::new(expand(config.script, &vars))?,
            metadata_script: Script::new(expand(config.metadata_script, &vars))?,
            ..State::default()
        };
        Ok(Realm {
            client_id: config.client_id,
            client_secret: config.client_secret,
            auth_methods: config.auth_methods,
            basic_encoding: config.basic_encoding,
            expires_in: config.expires_in,
            vars,
            state: Mutex::new(state),
            in_flight: AtomicUsize::new(0),
            canary: AtomicU64::new(0),
            closed: watch::Sender::new(false),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_script(&self, script: Value) -> Result<(), String> {
        let script = Script::new(expand(script, &self.vars))?;
        self.state().script = script;
        Ok(())
    }

    /// Writes the request into the log and takes the answer that the script has for it.
    pub(crate) fn arrive(&self, request: &Request, script: Option<ScriptOf>) -> (u64, Option<Answer>) {
        let mut state = self.state();
        let answer = match script {
            Some(ScriptOf::Token) => state.script.next(),
            Some(ScriptOf::Metadata) => state.metadata_script.next(),
            None => None,
        };
        (state.log.push(request), answer)
    }

    pub(crate) fn set_status(&self, number: u64, status: u16) {
        self.state().log.set_status(number, status);
    }

    /// What the control interface tells about the realm.
    pub(crate) fn report(&self) -> Value {
        let state = self.state();
        json!({
            "in_flight": self.in_flight.load(Ordering::SeqCst),
            "canary": self.canary.load(Ordering::SeqCst),
            "issued": state.issued,
            "total": state.log.total(),
            "requests": state.log.entries(),
        })
    }

    pub(crate) fn canary_hit(&self) {
        self.canary.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts a token request as under way until the result is dropped.
    pub(crate) fn enter(self: &Arc<Realm>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight(Arc::clone(self))
    }

    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Completes when the realm is deleted.
    pub(crate) async fn closed(&self) {
        // The sender lives as long as the realm, so that this can only end by the value.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// The realm's time in seconds since 1970.
    pub(crate) fn now(&self) -> f64 {
        now_with(self.state().offset)
    }

    pub(crate) fn date(&self) -> String {
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(self.now() as u64))
    }

    pub(crate) fn advance(&self, seconds: f64) -> f64 {
        let mut state = self.state();
        let offset = state.offset + seconds;
        state.offset = offset.clamp(-LAST_SECOND, LAST_SECOND);
        now_with(state.offset)
    }

    /// Remembers the token that an answer hands out, with the lifetime that the answer claims.
    pub(crate) fn register(&self, answer: &Map<String, Value>) {
        let Some(token) = answer.get("access_token").and_then(Value::as_str) else {
            return;
        };
        let lifetime = match answer.get("expires_in") {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        let lifetime = lifetime.unwrap_or(self.expires_in as f64);
        let mut state = self.state();
        let now = now_with(state.offset);
        let grant = Grant {
            scope: answer.get("scope").and_then(Value::as_str).map(str::to_owned),
            issued_at: now as u64,
            // A conversion from a float saturates: a negative lifetime ends in the past, an endless one in the last second.
            expires_at: (now + lifetime).min(LAST_SECOND) as u64,
        };
        if state.grants.insert(token.to_owned(), grant).is_none() {
            state.issued.push_back(token.to_owned());
        }
        if state.issued.len() > MAX_ISSUED
            && let Some(oldest) = state.issued.pop_front()
        {
            state.grants.remove(&oldest);
        }
    }

    /// The grant of a token that has not expired.
    pub(crate) fn active(&self, token: &str) -> Option<Grant> {
        let state = self.state();
        let grant = state.grants.get(token)?;
        (now_with(state.offset) < grant.expires_at as f64).then(|| grant.clone())
    }
}

fn now_with(offset: f64) -> f64 {
    let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    (real + offset).clamp(0.0, LAST_SECOND)
}

/// Replaces `${name}` in every string by the realm's variable of that name; others stay as they are.
fn expand(value: Value, vars: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) if text.contains("${") => {
            let expanded = vars.iter().fold(text, |text, (name, value)| {
                text.replace(&format!("${{{name}}}"), value.as_str().unwrap_or_default())
            });
            Value::String(expanded)
        }
        Value::Array(list) => list.into_iter().map(|item| expand(item, vars)).collect(),
        Value::Object(members) => members.into_iter().map(|(name, item)| (name, expand(item, vars))).collect(),
        other => other,
    }
}

/// A token request that was read and is not finished.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Realm>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
