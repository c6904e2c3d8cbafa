//! A realm: an authorization server of its own, with its client, script, clock and log.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

use crate::access_token::Signer;
use crate::dpop::Nonces;
use crate::grants::{self, TOKEN_EXCHANGE};
use crate::http::Request;
use crate::issued::{Facts, Grant, Issued};
use crate::jose::jwk::Key;
use crate::log::Log;
use crate::replay::Seen;
use crate::script::{Answer, Script};
use crate::settings::Settings;
use crate::test_keys::TestKeys;

/// The end of the year 9999, the last that an HTTP date can say.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// So many random bytes as base64url.
pub(crate) fn random_text(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    SystemRandom::new().fill(&mut buffer).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(buffer)
}

/// Which of a realm's scripts a request uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ScriptOf {
    Token,
    Metadata,
}

#[derive(Debug, Default)]
struct State {
    script: Script,
    metadata_script: Script,
    log: Log,
    issued: Issued,
    /// What may be used once, each with a word for its kind.
    seen: Seen,
    nonces: Option<Nonces>,
    /// How far the realm's clock is ahead of the real one, in seconds.
    offset: f64,
}

/// An authorization server of its own.
#[derive(Debug)]
pub(crate) struct Realm {
    pub(crate) settings: Settings,
    /// The public keys of the client.
    pub(crate) client_keys: Vec<Key>,
    pub(crate) signer: Arc<Signer>,
    pub(crate) client_certificate: Option<CertificateDer<'static>>,
    /// Says which client certificates are from the server's own authority.
    pub(crate) client_chain: Arc<dyn ClientCertVerifier>,
    pub(crate) vars: Map<String, Value>,
    state: Mutex<State>,
    in_flight: AtomicUsize,
    canary: AtomicU64,
    /// Becomes true when the realm is deleted, which ends what hangs.
    closed: watch::Sender<bool>,
}

impl Realm {
    pub(crate) fn new(mut settings: Settings, mut vars: Map<String, Value>, keys: &TestKeys) -> Result<Realm, String> {
        let mut issued = Issued::default();
        if settings.grant_types.iter().any(|name| name == TOKEN_EXCHANGE) {
            for name in ["subject", "actor"] {
                let (token, grant) = grants::exchangeable(&format!("test-{name}"), now_with(settings.clock_offset));
                issued.insert_unlisted(&token, grant);
                vars.insert(format!("{name}_token"), token.into());
            }
        }
        let state = State {
            issued,
            script: Script::new(expand(settings.script.take(), &vars))?,
            metadata_script: Script::new(expand(settings.metadata_script.take(), &vars))?,
            offset: settings.clock_offset.clamp(-LAST_SECOND, LAST_SECOND),
            ..State::default()
        };
        Ok(Realm {
            client_keys: settings.client_keys(keys)?,
            signer: Arc::clone(&keys.signer),
            client_certificate: settings.certificate()?,
            client_chain: Arc::clone(&keys.client_chain),
            settings,
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
            "issued": state.issued.tokens(),
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

    /// A variable of the realm; empty where there is none of this name.
    pub(crate) fn var(&self, name: &str) -> &str {
        self.vars.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// True when this kind of identifier was never used before.
    pub(crate) fn first_use(&self, kind: &str, id: &str) -> bool {
        self.state().seen.first_use(&format!("{kind} {id}"))
    }

    /// The nonce that the next proof must have.
    pub(crate) fn nonce(&self) -> String {
        self.with_nonces(Nonces::current)
    }

    /// True where a proof may have this nonce; the next needs another.
    pub(crate) fn use_nonce(&self, nonce: &str) -> bool {
        self.with_nonces(|nonces, now| nonces.accept(nonce, now))
    }

    fn with_nonces<T>(&self, action: impl FnOnce(&mut Nonces, f64) -> T) -> T {
        let mut state = self.state();
        let now = now_with(state.offset);
        action(state.nonces.get_or_insert_with(|| Nonces::new(now)), now)
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

    /// The grant of an answer, with the lifetime that the answer claims.
    pub(crate) fn grant(&self, answer: &Map<String, Value>, facts: Facts) -> Grant {
        let lifetime = match answer.get("expires_in") {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        let lifetime = lifetime.unwrap_or(self.settings.expires_in as f64);
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let now = self.now();
        Grant {
            scope: text("scope"),
            token_type: text("token_type").unwrap_or_default(),
            issued_at: now as u64,
            // A conversion from a float saturates: a negative lifetime ends in the past, an endless one in the last second.
            expires_at: (now + lifetime).min(LAST_SECOND) as u64,
            facts,
        }
    }

    /// Remembers a token that an answer hands out.
    pub(crate) fn remember(&self, token: &str, grant: Grant) {
        self.state().issued.insert(token, grant);
    }

    /// The grant of a token that has neither expired nor been revoked.
    pub(crate) fn active(&self, token: &str) -> Option<Grant> {
        let state = self.state();
        state.issued.active(token, now_with(state.offset))
    }

    /// Ends a token, where there is such a one.
    pub(crate) fn revoke(&self, token: &str) {
        self.state().issued.revoke(token);
    }
}

fn now_with(offset: f64) -> f64 {
    let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    (real + offset).clamp(0.0, LAST_SECOND)
}

/// Replaces `${name}` in every string by the realm's variable of that name; others stay as they are.
pub(crate) fn expand(value: Value, vars: &Map<String, Value>) -> Value {
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
