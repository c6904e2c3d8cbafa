//! The way through a shared store: look, lock, look again, fetch, save, give the lock back. Whatever the store does, the search
//! for a token goes on: a failure is a miss and a counter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ring::digest;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::key::shared_name;
use super::note;
use super::seal::Keys;
use super::stored::{self, Stored};
use super::{Answer, Found, LONGEST_ENTRY, Lock, Name, Store, in_time};
use crate::clock::{self, Moment};
use crate::config::{Config, is_weak};
use crate::credential::{self, Credential};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::fetch::{Fetched, fetch};
use crate::first_step;
use crate::flight::Mission;
use crate::lifecycle::{self, FORCED_REFRESH_PAUSE, Phase};
use crate::random;
use crate::stats::count;
use crate::token::Held;

/// The lock is held for the time of a fetch, and this.
const LOCK_MARGIN: Duration = Duration::from_secs(1);
/// Who knows that another process fetches asks a store that fails again for so long: a second request is worse than that.
const GRACE: Duration = Duration::from_secs(1);

/// One flight's search for a token.
pub(crate) async fn search(engine: &Engine, mission: &Mission) -> Fetched {
    let deadline = Instant::now() + mission.config.timeout;
    let cache = &mission.config.cache;
    match cache.is_shared().then(|| engine.store(cache)).flatten() {
        None => fetch(engine, mission, None, deadline).await,
        // In a box: its room would be that of each flight.
        Some(store) => Box::pin(search_with(store, engine, mission, deadline)).await,
    }
}

async fn search_with(store: Arc<dyn Store>, engine: &Engine, mission: &Mission, deadline: Instant) -> Fetched {
    let credential = match timeout_at(deadline, credential::read(&mission.config)).await {
        Ok(Ok(credential)) => Box::new(credential),
        // There is one place that says what is wrong with it.
        Ok(Err(error)) => return fetch(engine, mission, Some(Err(error)), deadline).await,
        Err(_) => return fetch(engine, mission, None, deadline).await,
    };
    match timeout_at(deadline, Shared::new(mission, store, &credential)).await {
        Ok(Some(shared)) => shared.search(engine, credential, deadline).await,
        _ => {
            count(&mission.counters.store_errors);
            fetch(engine, mission, Some(Ok(credential)), deadline).await
        }
    }
}

/// Notes in the store that a resource server refused this token, so that nobody takes it from there, even where a slow writer
/// puts it back.
pub(crate) async fn refuse(engine: &Engine, mission: &Mission, held: &Held) {
    first_step::only_if(|| false).await;
    let Some(store) = engine.store(&mission.config.cache) else { return };
    let Ok(credential) = credential::read(&mission.config).await else { return };
    let Some(shared) = Shared::new(mission, store, &credential).await else { return };
    let name = shared.keys.refused(&shared.name, held.value.as_str());
    let life = held.lifetime.saturating_sub(Moment::now().since(held.sent));
    shared.ask(shared.store.save(&name, b"refused".to_vec(), life)).await;
}

/// What a memory entry remembers of a token that was refused.
pub(crate) fn digest_of(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

/// What the seal is derived from: `cache_key`, or the credential if it is hard to guess.
pub(super) async fn secret(config: &Config, credential: &Credential) -> Option<Keys> {
    let strong = |secret: &str| if is_weak(secret) { None } else { Keys::derive(secret.as_bytes()) };
    match &config.cache_key {
        Some(source) => strong(source.read(config.source_patience()).await.ok()?.0.expose()),
        None => strong(credential.lasting()?),
    }
}

fn out_of_turn() -> Error {
    let message =
        "no turn to ask the token endpoint came in time: other processes are asking it, or the shared store is down";
    Error::new(ErrorKind::Transport, "timeout", message).with_retryable(true)
}

/// A store, as one flight sees it.
struct Shared<'a> {
    mission: &'a Mission,
    store: Arc<dyn Store>,
    keys: Keys,
    name: Name,
    /// It failed: this flight does without it.
    down: AtomicBool,
}

impl<'a> Shared<'a> {
    async fn new(mission: &'a Mission, store: Arc<dyn Store>, credential: &Credential) -> Option<Shared<'a>> {
        let keys = secret(&mission.config, credential).await?;
        let name = shared_name(&mission.config, &mission.entry.target, keys.names(), credential);
        Some(Shared { mission, store, keys, name, down: AtomicBool::new(false) })
    }

    async fn search(&self, engine: &Engine, credential: Box<Credential>, deadline: Instant) -> Fetched {
        let lock = match self.token_or_lock(deadline).await {
            Ok(held) => {
                count(&self.mission.counters.store_hits);
                return Fetched::Token { held, keep: true };
            }
            Err(lock) => lock,
        };
        count(&self.mission.counters.store_misses);
        if lock.is_none()
            && let Err(error) = self.stand_in_line(engine, deadline).await
        {
            return Fetched::Failed { error, tried: None };
        }
        let fetched = match self.failure_of_another(&credential).await {
            Some(failed) => failed,
            None => self.fetch(engine, credential, deadline).await,
        };
        self.release(lock).await;
        fetched
    }

    /// Asks the server, and leaves what comes of it in the store.
    async fn fetch(&self, engine: &Engine, credential: Box<Credential>, deadline: Instant) -> Fetched {
        let fetched = fetch(engine, self.mission, Some(Ok(credential)), deadline).await;
        match &fetched {
            Fetched::Token { held, keep: true } => self.save(held).await,
            Fetched::Failed { error, .. } => self.note(error).await,
            _ => {}
        }
        fetched
    }

    /// A failure that another process has found out just now: this one need not ask for the same.
    async fn failure_of_another(&self, credential: &Credential) -> Option<Fetched> {
        // A failure of one's own holds for a time of its own.
        if self.mission.entry.refusal(Moment::now()).is_some() {
            return None;
        }
        let name = self.keys.failed(&self.name);
        let error = match self.ask(self.store.load(&name)).await? {
            Found::Nothing => return None,
            Found::Unusable => None,
            Found::Entry(entry) => {
                let content = self.keys.open(&name, entry, stored::unix_millis(clock::wall()));
                content.and_then(|content| note::read(&content))
            }
        };
        if error.is_none() {
            count(&self.mission.counters.store_errors);
        }
        Some(Fetched::Failed { error: error?, tried: Some(credential.fingerprint().to_vec()) })
    }

    async fn note(&self, error: &Error) {
        let Some(life) = note::life(error, &self.mission.config) else { return };
        let until = stored::unix_millis(clock::wall() + life);
        let name = self.keys.failed(&self.name);
        if let Some(entry) = note::write(error, until).and_then(|note| self.keys.seal(&name, until, &note)) {
            self.ask(self.store.save(&name, entry, life)).await;
        }
    }

    /// A token from the store, or else the lock under which to fetch one. No lock: the store is down, or another process has
    /// had the lock for too long.
    async fn token_or_lock(&self, deadline: Instant) -> Result<Held, Option<Box<dyn Lock>>> {
        let give_up = deadline - self.mission.config.timeout.mul_f64(lifecycle::own_part(random::unit()));
        if let Some(held) = self.look().await {
            return Ok(held);
        }
        // `taken`: when the store last said that another process has the lock.
        let (mut looks, mut taken) = (0, None::<Instant>);
        loop {
            let hold = deadline.saturating_duration_since(Instant::now()) + LOCK_MARGIN;
            match self.ask(self.store.try_lock(&self.name, hold)).await {
                None if taken.is_some_and(|taken| taken.elapsed() < GRACE) => self.down.store(false, Ordering::Relaxed),
                None => return Err(None),
                Some(Some(lock)) => {
                    return match self.look().await {
                        Some(held) => {
                            self.release(Some(lock)).await;
                            Ok(held)
                        }
                        None => Err(Some(lock)),
                    };
                }
                Some(None) => taken = Some(Instant::now()),
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(None);
            }
            // Whoever has the lock may hand out its token before it gives the lock back. Looking is the way of every store:
            // being woken would need a connection or a watch for each who waits, and lose what comes before it stands.
            tokio::time::sleep(lifecycle::next_look(looks, random::unit()).min(left)).await;
            looks += 1;
            if let Some(held) = self.look().await {
                return Ok(held);
            }
        }
    }

    /// Without the lock there may be many who fetch. While the store is down they take turns; where another process is only
    /// slow, it has been waited for. Who has a valid token all the same leaves the server alone.
    async fn stand_in_line(&self, engine: &Engine, deadline: Instant) -> Result<(), Error> {
        let is_spare = self.mission.entry.held.load().left(Moment::now()) > self.mission.min_valid;
        let patience = deadline.saturating_duration_since(Instant::now()) / 2;
        let turn = match self.down.load(Ordering::Relaxed) {
            true => engine.turns.take(patience),
            false => None,
        };
        match turn {
            Some(wait) => tokio::time::sleep(wait).await,
            None if is_spare => return Err(out_of_turn()),
            // A fault of a store is no reason to leave a caller without a token: late, and not all at once.
            None if self.down.load(Ordering::Relaxed) => tokio::time::sleep(patience.mul_f64(random::unit())).await,
            None => {}
        }
        Ok(())
    }

    /// The store's token, if it is newer than the one in memory and good for this flight.
    async fn look(&self) -> Option<Held> {
        let held = match self.ask(self.store.load(&self.name)).await? {
            Found::Nothing => return None,
            Found::Unusable => None,
            Found::Entry(entry) => self.open(entry),
        };
        let Some((held, forced)) = held else {
            count(&self.mission.counters.store_errors);
            return None;
        };
        if !self.is_newer(&held) || self.is_refused(&held).await {
            return None;
        }
        let Mission { entry, config, .. } = self.mission;
        if forced {
            entry.forced.store(Some(Arc::new(held.sent)));
        }
        let age = Moment::now().since(held.sent);
        match config.policy().phase(age, held.lifetime, random::jitter(entry.key.number()), self.mission.min_valid) {
            Phase::Fresh | Phase::Due => Some(held),
            Phase::Spent => {
                // Better than nothing, should the fetch fail.
                entry.put(Arc::new(held));
                None
            }
            Phase::Dead => None,
        }
    }

    fn open(&self, entry: Zeroizing<Vec<u8>>) -> Option<(Held, bool)> {
        let content = self.keys.open(&self.name, entry, stored::unix_millis(clock::wall()))?;
        Stored::read(&content)?.held(self.store.source())
    }

    /// A `sticky` server issues the same token again: it is news if it was asked for later.
    fn is_newer(&self, found: &Held) -> bool {
        let held = self.mission.entry.held.load();
        match held.value == found.value {
            true => found.sent > held.sent.after(Duration::from_secs(1)),
            false => found.sent > held.sent,
        }
    }

    async fn is_refused(&self, found: &Held) -> bool {
        let refused = self.mission.entry.refused.load();
        if refused.as_ref().is_some_and(|refused| **refused == digest_of(found.value.as_str())) {
            return true;
        }
        let name = self.keys.refused(&self.name, found.value.as_str());
        !matches!(self.ask(self.store.load(&name)).await, Some(Found::Nothing))
    }

    async fn save(&self, held: &Held) {
        let now = Moment::now();
        let life = held.lifetime.saturating_sub(now.since(held.sent));
        let forced =
            self.mission.entry.forced.load().as_ref().is_some_and(|last| now.since(**last) < FORCED_REFRESH_PAUSE);
        let sealed = Stored::of(held, forced)
            .and_then(|content| self.keys.seal(&self.name, stored::unix_millis(held.expires_at), &content));
        match sealed {
            Some(entry) if !life.is_zero() && entry.len() <= LONGEST_ENTRY => {
                self.ask(self.store.save(&self.name, entry, life)).await;
            }
            _ => {}
        }
    }

    /// Also when the store was late before: those who wait should not wait for the end of the lock.
    async fn release(&self, lock: Option<Box<dyn Lock>>) {
        if let Some(lock) = lock
            && !matches!(in_time(lock.release(), || self.store.budget()).await, Some(Ok(())))
        {
            count(&self.mission.counters.store_errors);
        }
    }

    /// The store's answer, if it comes in time. After one that did not, the store is down for this flight.
    async fn ask<T>(&self, answer: Answer<'_, T>) -> Option<T> {
        if self.down.load(Ordering::Relaxed) {
            return None;
        }
        match in_time(answer, || self.store.budget()).await {
            Some(Ok(answer)) => Some(answer),
            _ => {
                count(&self.mission.counters.store_errors);
                self.down.store(true, Ordering::Relaxed);
                None
            }
        }
    }
}
