//! The face of the library.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use serde_json::{Map, Value};

use crate::blocking::Blocking;
use crate::builder::ClientBuilder;
use crate::cache::key::cache_key;
use crate::cache::memory::Entry;
use crate::cache::shared;
use crate::clock::{self, Moment, Reading};
use crate::config::{Cache, Config};
use crate::credential;
use crate::dpop;
use crate::engine::engine;
use crate::error::Error;
use crate::flight::{Boarding, Flight, Mission, alone, board};
use crate::inquiry;
use crate::lifecycle::{self, ByFar, FORCED_REFRESH_PAUSE, Phase, nanos};
use crate::pending::{Answer, Pending};
use crate::random;
use crate::request::{Target, TokenRequest};
use crate::stats::{Counters, Stats, count};
use crate::token::{AccessToken, Held, Source, TokenValue};

/// Targets that a client remembers beside its own; more are looked up in the registry each time.
const MOST_TARGETS: usize = 1024;

/// Fetches, keeps and refreshes the access tokens of one OAuth 2.0 client (RFC 6749 section 4.4).
///
/// Cheap to clone. Making one does no I/O and starts no thread. Clients of equal options share their tokens.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

/// What a cached call reads stands together: with thousands of clients each line of memory that is touched costs.
#[repr(C)]
struct Inner {
    /// The entry of the client's own target.
    entry: Arc<Entry>,
    by_far: ByFar,
    closed: AtomicBool,
    config: Arc<Config>,
    counters: Arc<Counters>,
    /// Entries of targets that calls have named. Copied when it grows, so that reading takes no lock.
    others: ArcSwapOption<HashMap<Arc<Target>, Arc<Entry>>>,
}

/// What an entry says about a call.
enum Verdict {
    /// Hand this out.
    Ready(AccessToken),
    /// Hand this out and refresh it.
    Due(AccessToken),
    /// The last flight failed a moment ago.
    Refused(Error),
    /// Ask the server.
    Fetch,
}

impl Client {
    /// A client of these options.
    ///
    /// # Errors
    /// None today; options are checked when the [`Config`] is made.
    pub fn new(config: Config) -> Result<Client, Error> {
        Ok(Client(Arc::new(Inner {
            entry: find_entry(&config, config.target.clone()),
            by_far: ByFar::new(&config.policy()),
            closed: AtomicBool::new(false),
            counters: Arc::default(),
            others: ArcSwapOption::default(),
            config: Arc::new(config),
        })))
    }

    /// What should be put right and is no error, each thing once in a process: a file with a secret that every user of the machine
    /// can read, which `require_private_files` makes an error. To be asked once the client is made, and shown.
    pub fn warning(&self) -> Option<String> {
        credential::exposed(&self.0.config)
    }

    /// A client whose options come from the environment: `TOKENWELL_CLIENT_ID` and so on.
    ///
    /// # Errors
    /// `ConfigError`, as [`Config::from_env`].
    pub fn from_env() -> Result<Client, Error> {
        Client::new(Config::from_env()?)
    }

    /// Options one by one.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The bearer string.
    ///
    /// # Errors
    /// `TransportError`, `ServerError` or `ResponseError`, and only when no valid token is left.
    pub async fn token(&self) -> Result<TokenValue, Error> {
        self.access_token().await.map(TokenValue)
    }

    /// The token with its type, expiry, scope and source.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub async fn access_token(&self) -> Result<AccessToken, Error> {
        match self.at_hand(Duration::ZERO) {
            Some(token) => Ok(token),
            None => self.obtain(&TokenRequest::default()).await,
        }
    }

    /// A token for another scope, audience or resource, or with more life left.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub async fn access_token_with(&self, request: &TokenRequest) -> Result<AccessToken, Error> {
        match self.cached(request) {
            Some(token) => Ok(token),
            None => self.obtain(request).await,
        }
    }

    /// The value of an `Authorization` header (RFC 6750 section 2.1, RFC 9449 section 7.1).
    ///
    /// # Errors
    /// As [`Client::token`].
    pub async fn authorization(&self) -> Result<String, Error> {
        self.access_token().await.map(|token| token.authorization().to_owned())
    }

    /// A proof for one request of the caller's own to a resource: the value of its `DPoP` header (RFC 9449 sections 4.2 and
    /// 7.1). `method` is the HTTP method as it is sent, `url` the request's, `token` the token of its `Authorization` header.
    /// Each request needs a new proof, a repeated one too.
    ///
    /// # Errors
    /// `ConfigError`: the client was made without `dpop` or is closed, `method` or `url` is none.
    pub fn dpop_proof(&self, method: &str, url: &str, token: &str) -> Result<String, Error> {
        if self.0.closed.load(Ordering::Relaxed) {
            return Err(closed());
        }
        let prover = self.0.config.dpop.as_ref().ok_or_else(|| {
            Error::config("option_missing", "`dpop` is not set, so there is no key for a proof: set `dpop` to true")
        })?;
        let offset = self.0.entry.clock_offset.load(Ordering::Relaxed);
        prover.proof(dpop::check_method(method)?, &dpop::check_url(url)?, Some(token), offset)
    }

    /// Keeps the `DPoP-Nonce` of a resource's answer for the next proofs to the origin of `url` (RFC 9449 section 9). A resource
    /// that wants one answers 401 with the error `use_dpop_nonce`: then the request is sent once more with a new proof. What is
    /// no nonce or no URL is left alone.
    pub fn dpop_nonce(&self, url: &str, nonce: &str) {
        if let (Some(prover), Ok(url)) = (&self.0.config.dpop, dpop::check_url(url)) {
            prover.keep_nonce(&url, nonce);
        }
    }

    /// The same calls for threads that wait.
    #[inline]
    pub fn blocking(&self) -> Blocking<'_> {
        Blocking::new(self)
    }

    /// A token that can be handed out at once: without a lock, a system call or a runtime. `None`: call [`Client::obtain`].
    pub fn cached(&self, request: &TokenRequest) -> Option<AccessToken> {
        match self.own_entry(request) {
            true => self.at_hand(request.min_valid),
            false if self.0.closed.load(Ordering::Relaxed) => None,
            false => self.0.fresh(&self.other_entry(request), request.min_valid),
        }
    }

    /// The same for the client's own target.
    #[inline]
    pub(crate) fn at_hand(&self, min_valid: Duration) -> Option<AccessToken> {
        match self.0.closed.load(Ordering::Relaxed) {
            true => None,
            false => self.0.fresh(&self.0.entry, min_valid),
        }
    }

    /// The whole way: memory, then the one flight of this key. The flight belongs to the library: dropping what is returned
    /// cancels nothing.
    pub fn obtain(&self, request: &TokenRequest) -> Pending {
        if self.0.closed.load(Ordering::Relaxed) {
            return Pending::ready(Err(closed()));
        }
        let entry = match self.own_entry(request) {
            true => self.0.entry.clone(),
            false => self.other_entry(request),
        };
        self.0.obtain(entry, request.min_valid)
    }

    /// Gives up exactly this token, because a resource server answered 401 with it; another one that has come since stays.
    /// At most once in 5 seconds per key, so that a resource that refuses every token causes no storm at the issuer.
    #[cold]
    pub fn invalidate(&self, token: &str) {
        let others = self.0.others.load();
        for entry in others.iter().flat_map(|others| others.values()).chain([&self.0.entry]) {
            self.0.invalidate(entry, token);
        }
    }

    /// Ends the tokens that this client holds (RFC 7009). They are given up first, whatever the server answers, so that the next
    /// call gets a new one, in other clients of equal options too. Where none is held nothing is sent.
    ///
    /// # Errors
    /// `ConfigError`: there is no `revocation_endpoint`, in the options or the metadata. `TransportError`, `ServerError`,
    /// `ResponseError`: the server did not end a token.
    pub fn revoke(&self) -> Pending<()> {
        if self.0.closed.load(Ordering::Relaxed) {
            return Pending::ready(Err(closed()));
        }
        if self.0.config.cache == Cache::None {
            let message = "`cache` is \"none\", so this client holds no token that could be revoked: leave `cache` out";
            return Pending::ready(Err(Error::config("option_conflict", message)));
        }
        let others = self.0.others.load();
        let entries = others.iter().flat_map(|others| others.values()).chain([&self.0.entry]);
        let held: Vec<Arc<Held>> = entries.filter_map(|entry| self.0.give_up(entry)).collect();
        let config = self.0.config.clone();
        let most = u32::try_from(held.len()).unwrap_or(u32::MAX);
        self.0.ask(most, async move {
            let mut outcome = Ok(());
            for held in held {
                outcome = outcome.and(inquiry::revoke(engine(), &config, held.value.as_str()).await);
            }
            outcome
        })
    }

    /// What the server says of the token that [`Client::token`] gives (RFC 7662): an object with `active`, and more as it likes.
    ///
    /// # Errors
    /// `ConfigError`: there is no `introspection_endpoint`, in the options or the metadata. Else as [`Client::token`].
    pub fn introspect(&self) -> Pending<Map<String, Value>> {
        let (client, config) = (self.clone(), self.0.config.clone());
        // Twice the time: for the token, and for the question about it.
        self.0.ask(2, async move {
            let token = client.access_token().await?;
            inquiry::introspect(engine(), &config, token.value()).await
        })
    }

    /// What this client has done so far.
    pub fn stats(&self) -> Stats {
        self.0.counters.read(engine().in_flight.load(Ordering::Relaxed))
    }

    /// Later calls fail with the code `client_closed`. Tokens of other clients with equal options stay.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
    }

    fn own_entry(&self, request: &TokenRequest) -> bool {
        request.scope.is_none() && request.audience.is_none() && request.resource.is_none()
    }

    fn other_entry(&self, request: &TokenRequest) -> Arc<Entry> {
        let target = Arc::new(Target::new(&self.0.config, request));
        if let Some(entry) = self.0.others.load().as_ref().and_then(|others| others.get(&target)) {
            return entry.clone();
        }
        let entry = find_entry(&self.0.config, target.clone());
        self.0.others.rcu(|others| {
            let mut others = others.as_deref().cloned().unwrap_or_default();
            if others.len() >= MOST_TARGETS
                && let Some(any) = others.keys().next().cloned()
            {
                others.remove(&any);
            }
            others.insert(target.clone(), entry.clone());
            Some(Arc::new(others))
        });
        entry
    }
}

fn closed() -> Error {
    Error::config("client_closed", "this client has been closed: make a new one")
}

fn find_entry(config: &Config, target: Arc<Target>) -> Arc<Entry> {
    let key = cache_key(config, &target);
    match config.cache {
        Cache::None => Arc::new(Entry::new(key, target)),
        _ => engine().registry.entry(key, target),
    }
}

impl Inner {
    /// The token of this entry and where it stands, if it may be handed out at all.
    fn look(&self, entry: &Entry, min_valid: Duration) -> Option<(AccessToken, Phase)> {
        let held = entry.token()?;
        match self.phase(&held, entry, min_valid) {
            Phase::Dead => None,
            phase => Some((AccessToken::new(held, Source::Memory), phase)),
        }
    }

    /// The token of this entry if it is fresh: by far, as nearly always, or by the clocks.
    #[inline]
    fn fresh(&self, entry: &Entry, min_valid: Duration) -> Option<AccessToken> {
        let held = entry.token()?;
        let Reading { now, wall_ahead } = clock::glance();
        let age = now.nanos_since(held.sent).saturating_add(clock::LATE);
        match self.by_far.is_fresh(age, nanos(held.lifetime), nanos(min_valid))
            && !lifecycle::has_jumped(wall_ahead - held.wall_ahead)
        {
            true => Some(AccessToken::new(held, Source::Memory)),
            false => self.fresh_by_the_clocks(entry, min_valid),
        }
    }

    #[cold]
    fn fresh_by_the_clocks(&self, entry: &Entry, min_valid: Duration) -> Option<AccessToken> {
        self.look(entry, min_valid).and_then(|(token, phase)| (phase == Phase::Fresh).then_some(token))
    }

    fn phase(&self, held: &Held, entry: &Entry, min_valid: Duration) -> Phase {
        let Reading { now, wall_ahead } = clock::read();
        let age = now.since(held.sent);
        let phase = self.config.policy().phase(age, held.lifetime, random::jitter(entry.key.number()), min_valid);
        lifecycle::after_jump(phase, wall_ahead - held.wall_ahead)
    }

    fn judge(&self, entry: &Entry, min_valid: Duration) -> Verdict {
        let found = self.look(entry, min_valid);
        let refusal = entry.refusal(Moment::now()).filter(|error| !self.may_be_woken(error));
        match (found, refusal) {
            (Some((token, Phase::Fresh)), _) | (Some((token, Phase::Due)), Some(_)) => Verdict::Ready(token),
            (Some((token, Phase::Due)), None) => Verdict::Due(token),
            (_, Some(error)) => match self.last_resort(entry, min_valid) {
                Some(token) => Verdict::Ready(token),
                None => Verdict::Refused(error),
            },
            (_, None) => Verdict::Fetch,
        }
    }

    /// Whether a changed credential could end a refusal. The flight sees to it: it reads the sources, off this thread, and
    /// sends nothing if they still hold what was refused.
    fn may_be_woken(&self, error: &Error) -> bool {
        let over_credential = error.is_secret() || self.config.blames_credential(error.code());
        over_credential && self.config.can_rotate()
    }

    /// A spent token with true life left, for when its refresh has failed.
    fn last_resort(&self, entry: &Entry, min_valid: Duration) -> Option<AccessToken> {
        let held = entry.held.load();
        let usable = self.config.policy().is_usable(Moment::now().since(held.sent), held.lifetime, min_valid);
        usable.then(|| {
            count(&self.counters.stale);
            AccessToken::new(held, Source::Memory)
        })
    }

    fn mission(&self, entry: &Arc<Entry>, min_valid: Duration) -> Mission {
        Mission { entry: entry.clone(), config: self.config.clone(), counters: self.counters.clone(), min_valid }
    }

    fn settle(&self, verdict: Verdict) -> Option<Answer> {
        match verdict {
            Verdict::Ready(token) | Verdict::Due(token) => Some(Ok(token)),
            Verdict::Refused(error) => {
                count(&self.counters.refused);
                Some(Err(error))
            }
            Verdict::Fetch => None,
        }
    }
}

impl Inner {
    fn obtain(self: &Arc<Self>, entry: Arc<Entry>, min_valid: Duration) -> Pending {
        if self.config.cache == Cache::None {
            return match alone(engine(), self.mission(&entry, min_valid)) {
                Ok(flight) => self.pending(async move { flight.await.map(AccessToken::as_it_came) }),
                Err(error) => Pending::ready(Err(error)),
            };
        }
        let verdict = self.judge(&entry, min_valid);
        let look_again = || self.settle(self.judge(&entry, min_valid));
        match verdict {
            Verdict::Due(token) => {
                // The caller has its token: what becomes of the refresh is a matter of the entry and the counters.
                let _ = board(engine(), self.mission(&entry, min_valid), || {
                    matches!(self.judge(&entry, min_valid), Verdict::Ready(_)).then_some(())
                });
                engine().attend();
                Pending::ready(Ok(token))
            }
            Verdict::Fetch => match board(engine(), self.mission(&entry, min_valid), look_again) {
                Ok(Boarding::Landed(answer)) => Pending::ready(answer),
                Ok(Boarding::Flight(flight)) => self.pending(self.clone().wait(flight, entry, min_valid)),
                Err(error) => Pending::ready(Err(error)),
            },
            settled => Pending::ready(self.settle(settled).unwrap_or_else(|| Err(Error::internal("no verdict")))),
        }
    }

    /// A wait that ends a little after the flight must have ended, whatever becomes of the flight.
    fn pending(&self, answer: impl Future<Output = Answer> + Send + 'static) -> Pending {
        Pending::waiting(answer, self.config.timeout + Duration::from_secs(1))
    }

    async fn wait(self: Arc<Self>, flight: Flight, entry: Arc<Entry>, min_valid: Duration) -> Answer {
        match flight.await {
            // The flight was another's, who was content with less.
            Ok(held)
                if held.origin != Source::Network
                    && matches!(self.phase(&held, &entry, min_valid), Phase::Spent | Phase::Dead) =>
            {
                self.obtain(entry, min_valid).await
            }
            Ok(held) => Ok(AccessToken::as_it_came(held)),
            Err(error) => self.last_resort(&entry, min_valid).ok_or(error),
        }
    }

    fn invalidate(&self, entry: &Arc<Entry>, token: &str) {
        let held = entry.held.load();
        if held.lifetime.is_zero() || held.value.as_str() != token {
            return;
        }
        let now = Moment::now();
        let recent = entry.forced.load().as_ref().is_some_and(|last| now.since(**last) < FORCED_REFRESH_PAUSE);
        if recent {
            return;
        }
        if self.config.cache.is_shared() {
            entry.refused.store(Some(Arc::new(shared::digest_of(held.value.as_str()))));
        }
        let before = entry.held.compare_and_swap(&held, Held::nothing());
        if Arc::ptr_eq(&before, &held) {
            entry.forced.store(Some(Arc::new(now)));
            count(&self.counters.invalidations);
            self.refuse(entry, Guard::into_inner(held));
        }
    }
}

impl Inner {
    /// Runs on the library's runtime, so that a caller who goes away cancels nothing; `times` the `timeout` at most.
    fn ask<T: Send + 'static>(
        &self,
        times: u32,
        question: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Pending<T> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        // Whoever asked may have gone away.
        let task = async move { drop(sender.send(question.await)) };
        match engine().drive() {
            Ok(drive) => drive.spawn(task),
            Err(error) => return Pending::ready(Err(error)),
        }
        let lost = |_| Err(Error::internal("a question about a token ended in a fault inside the library"));
        let most = self.config.timeout.saturating_mul(times).saturating_add(Duration::from_secs(1));
        Pending::waiting(async move { receiver.await.unwrap_or_else(lost) }, most)
    }

    /// Takes the token out of its entry, for all who share it.
    fn give_up(&self, entry: &Arc<Entry>) -> Option<Arc<Held>> {
        let held = entry.held.swap(Held::nothing());
        if held.lifetime.is_zero() {
            return None;
        }
        if self.config.cache.is_shared() {
            entry.refused.store(Some(Arc::new(shared::digest_of(held.value.as_str()))));
        }
        self.refuse(entry, held.clone());
        Some(held)
    }

    /// No process takes this token from the shared store again.
    fn refuse(&self, entry: &Arc<Entry>, held: Arc<Held>) {
        if !self.config.cache.is_shared() {
            return;
        }
        let (engine, mission) = (engine(), self.mission(entry, Duration::ZERO));
        // Without a thread for it, this process alone knows.
        if let Ok(drive) = engine.drive() {
            drive.run(async move { shared::refuse(engine, &mission, &held).await });
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.0.config).finish_non_exhaustive()
    }
}
