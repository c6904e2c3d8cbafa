//! One flight's work: attempts within the time allowed, until there is a token or an error that stands.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use hyper::header::HeaderMap;
use tokio::time::Instant;
use url::Url;

use crate::auth::{Attempt, authenticate, echoes};
use crate::cache::memory::Entry;
use crate::clock::{self, Moment, Reading};
use crate::config::Config;
use crate::credential::{self, Credential};
use crate::discovery::{self, Service};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::flight::Mission;
use crate::hint;
use crate::lifecycle;
use crate::provider::Semantics;
use crate::random;
use crate::request::Form;
use crate::response::{self, Answer};
use crate::retry_after;
use crate::secret::wipe_stack;
use crate::stats::{Counters, count};
use crate::token::{Held, Source};
use crate::transport::{self, Http, Route};

/// What a search ends with.
pub(crate) enum Fetched {
    /// A token. `keep`: its credential is still the one that the sources hold.
    Token { held: Held, keep: bool },
    /// It failed. `tried`: the fingerprint of the credential that the server refused, where that is why.
    Failed { error: Error, tried: Option<Vec<u8>> },
    /// The credential is the one that was refused a moment ago: its refusal stands, and nothing was sent.
    Refused(Error),
}

/// Asks the server, again where that helps, until the deadline. `credential`: what the sources hold, or what is wrong with them, if
/// that is known already: in a box, as all that is rare.
pub(crate) async fn fetch(
    engine: &Engine,
    mission: &Mission,
    credential: Option<Result<Box<Credential>, Error>>,
    deadline: Instant,
) -> Fetched {
    let Mission { entry, config, .. } = mission;
    // Pinned where it is: by value it would be moved, all of its kilobytes, into what times it.
    let search = pin!(async {
        let mut search = match Search::new(engine, mission, credential).await {
            Ok(search) => search,
            // What cannot be read is no reason to take back a refusal.
            Err(error) => {
                let standing = entry.refusal(Moment::now());
                return standing.map_or(Fetched::Failed { error, tried: None }, Fetched::Refused);
            }
        };
        if let Some(error) = search.standing_refusal() {
            return Fetched::Refused(error);
        }
        loop {
            let error = match search.once().await {
                Ok(held) => return Fetched::Token { held, keep: search.credential_stands().await },
                Err(error) => error,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            match search.next(&error, left).await {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return search.failed(error),
            }
        }
    });
    let late = |_| Fetched::Failed { error: out_of_time("the token endpoint", config), tried: None };
    tokio::time::timeout_at(deadline, search).await.unwrap_or_else(late)
}

/// The state of one search for a token.
struct Search<'a> {
    config: &'a Config,
    entry: &'a Entry,
    counters: &'a Counters,
    engine: &'a Engine,
    route: Route,
    http: Arc<Http>,
    credential: Credential,
    /// Seconds that assertions and proofs take the server's clock to be ahead.
    clock_offset: i64,
    /// Attempts so far.
    attempts: u32,
    /// Seconds that the server's clock is ahead, by the last error.
    seen_offset: i64,
    /// Whether the last answer had a nonce for proofs.
    nonce_came: bool,
    /// Each of these helps once.
    nonce_given: bool,
    read_again: bool,
    clock_corrected: bool,
}

impl<'a> Search<'a> {
    async fn new(
        engine: &'a Engine,
        mission: &'a Mission,
        known: Option<Result<Box<Credential>, Error>>,
    ) -> Result<Search<'a>, Error> {
        let Mission { entry, config, counters, .. } = mission;
        let credential = match known {
            Some(known) => *known?,
            None => credential::read(config).await?,
        };
        if credential.exposed {
            count(&counters.exposed_files);
        }
        let route = engine.route(config, credential.certificate.as_ref());
        Ok(Search {
            config,
            entry,
            counters,
            engine,
            http: engine.http(&route, credential.certificate.as_ref())?,
            route,
            credential,
            clock_offset: entry.clock_offset.load(Ordering::Relaxed),
            attempts: 0,
            seen_offset: 0,
            nonce_came: false,
            nonce_given: false,
            read_again: false,
            clock_corrected: false,
        })
    }

    fn failed(self, error: Error) -> Fetched {
        Fetched::Failed { error, tried: Some(self.credential.fingerprint().to_vec()) }
    }

    /// The refusal of exactly this credential, if it is still in force.
    fn standing_refusal(&self) -> Option<Error> {
        let failure = self.entry.failure.load();
        let refused = failure.as_ref().and_then(|failure| failure.tried.as_deref());
        let same = refused.is_some_and(|tried| tried == self.credential.fingerprint());
        if same { self.entry.refusal(Moment::now()) } else { None }
    }

    /// A result fetched under a credential that has been replaced meanwhile is not kept.
    async fn credential_stands(&self) -> bool {
        if !self.config.can_rotate() {
            return true;
        }
        let fresh = credential::read(self.config).await;
        fresh.map_or(true, |fresh| fresh.fingerprint() == self.credential.fingerprint())
    }

    /// One HTTP request and the reading of its answer.
    async fn once(&mut self) -> Result<Held, Error> {
        crate::testing::panic_if_armed();
        self.attempts += 1;
        let url = discovery::endpoint(self.engine, &self.http, &self.route, self.config, Service::Token).await?;
        let attempt = Attempt { endpoint: &url, clock_offset: self.clock_offset };
        let form = Form::token_request(self.config, &self.entry.target, &self.credential, attempt)?;
        let mut outgoing = authenticate(self.config, &self.credential, attempt, form).await?;
        if let Some(prover) = &self.config.dpop {
            outgoing.proof = Some(prover.proof("POST", &url, None, self.clock_offset)?);
        }
        // A key's traces do not wait for the end of this thread's turn, which can have other flights to see to.
        if self.config.uses_key() {
            wipe_stack();
        }
        count(&self.counters.token_requests);
        let sent = Sent::now();
        let reply = transport::post(&self.http, &url, outgoing).await?;
        self.keep_nonce(&url, &reply.headers);
        let echoes = || echoes(self.config, &self.credential);
        let wanted = self.config.token_type();
        let answer = response::read(reply.status, &reply.body, wanted, self.config.profile, &echoes);
        match answer.and_then(|answer| self.checked(answer)) {
            Ok(answer) => Ok(sent.held(answer, self.config)),
            Err(error) => Err(self.judge(error, &reply.headers, sent.wall)),
        }
    }

    /// A server may grant less than it was asked for (RFC 6749 section 3.3); one that names no scope grants all of it (section 5.1).
    fn checked(&self, answer: Answer) -> Result<Answer, Error> {
        let Some(scope) = answer.scope.as_deref().filter(|_| self.config.require_scope) else { return Ok(answer) };
        let granted: Vec<&str> =
            scope.split(self.config.profile.scope_separator).flat_map(|part| part.split(' ')).collect();
        match self.entry.target.scope.iter().find(|word| !granted.contains(&word.as_str())) {
            None => Ok(answer),
            Some(word) => Err(response::narrowed(word)),
        }
    }

    /// An answer that is an error: what its headers say of it, and what helps.
    fn judge(&mut self, error: Error, headers: &HeaderMap, sent: SystemTime) -> Error {
        self.seen_offset = retry_after::clock_offset(headers, clock::wall()).unwrap_or(0);
        let error = hint::advise(error, self.config);
        match error.retryable() {
            true => error.with_retry_after(retry_after::read(headers, sent)),
            false => error,
        }
    }

    /// The nonce for the next proof (RFC 9449 section 8.2).
    fn keep_nonce(&mut self, url: &Url, headers: &HeaderMap) {
        let Some(prover) = &self.config.dpop else { return };
        let nonce = headers.get("DPoP-Nonce").and_then(|value| value.to_str().ok());
        self.nonce_came = nonce.is_some();
        if let Some(nonce) = nonce {
            prover.keep_nonce(url, nonce);
        }
    }

    /// The wait before another attempt, if one helps.
    async fn next(&mut self, error: &Error, left: Duration) -> Option<Duration> {
        if self.nonce_was_missing(error) || self.credential_has_changed(error).await || self.clock_was_wrong(error) {
            return Some(Duration::ZERO);
        }
        if !is_repeatable(error, self.config.semantics()) {
            return None;
        }
        // A ready assertion can be used once: without a fresh one a repeat would be refused as a replay.
        if self.config.client_assertion.is_some() && !self.fresh_credential().await {
            return None;
        }
        lifecycle::next_attempt(self.attempts, error.wait(), left, random::unit())
    }

    /// The server wants its nonce in the proof, and has named it (RFC 9449 section 8).
    fn nonce_was_missing(&mut self, error: &Error) -> bool {
        let asked = error.code() == "use_dpop_nonce" && self.nonce_came;
        asked && !std::mem::replace(&mut self.nonce_given, true)
    }

    /// The secret may have been rotated since it was read.
    async fn credential_has_changed(&mut self, error: &Error) -> bool {
        if !self.config.blames_credential(error.code()) || self.read_again {
            return false;
        }
        self.read_again = true;
        self.fresh_credential().await
    }

    /// Reads the sources once more; whether they hold something else now.
    async fn fresh_credential(&mut self) -> bool {
        let Ok(fresh) = credential::read(self.config).await else { return false };
        if fresh.fingerprint() == self.credential.fingerprint() {
            return false;
        }
        let route = self.engine.route(self.config, fresh.certificate.as_ref());
        let Ok(http) = self.engine.http(&route, fresh.certificate.as_ref()) else { return false };
        (self.credential, self.route, self.http) = (fresh, route, http);
        true
    }

    /// An assertion or a proof is refused and the clocks differ: once more by the server's clock, which is kept for this key.
    fn clock_was_wrong(&mut self, error: &Error) -> bool {
        let refused = match error.code() {
            "invalid_client" | "invalid_grant" => self.config.makes_assertion(),
            "invalid_dpop_proof" => self.config.dpop.is_some(),
            _ => false,
        };
        let differs = lifecycle::is_clock_offset(self.seen_offset - self.clock_offset, self.seen_offset);
        if !refused || !differs || self.clock_corrected {
            return false;
        }
        self.clock_corrected = true;
        self.clock_offset = self.seen_offset;
        self.entry.clock_offset.store(self.seen_offset, Ordering::Relaxed);
        true
    }
}

/// The moment of sending, on both clocks: a token's age counts from here.
struct Sent {
    moment: Moment,
    wall: SystemTime,
    wall_ahead: i64,
}

impl Sent {
    fn now() -> Sent {
        let (moment, wall) = (Moment::now(), clock::wall());
        Sent { moment, wall, wall_ahead: Reading::of(moment, wall).wall_ahead }
    }

    fn held(self, answer: Answer, config: &Config) -> Held {
        let lifetime = answer.lifetime.unwrap_or(config.default_lifetime);
        Held {
            value: answer.value,
            scope: answer.scope,
            extra: answer.extra,
            origin: Source::Network,
            sent: self.moment,
            wall_ahead: self.wall_ahead,
            lifetime,
            expires_at: self.wall.checked_add(lifetime).unwrap_or(self.wall),
        }
    }
}

/// No answer was begun, or the server itself says that it is a passing fault. Where a second token ends the first, only
/// what certainly issued none is repeated.
pub(crate) fn is_repeatable(error: &Error, semantics: Semantics) -> bool {
    let transport = (error.kind() == ErrorKind::Transport).then(|| error.code());
    match semantics {
        Semantics::Exclusive => transport == Some("connect") || error.http_status() == Some(429),
        _ => {
            matches!(transport, Some("connect" | "closed"))
                || matches!(error.http_status(), Some(408 | 429 | 500..=599))
        }
    }
}

/// `timeout` is over, and `who` has not answered, or not to the end.
pub(crate) fn out_of_time(who: &str, config: &Config) -> Error {
    let message = format!("no complete answer from {who} within `timeout` ({} s)", config.timeout.as_secs_f64());
    Error::new(ErrorKind::Transport, "timeout", message).with_retryable(true)
}
