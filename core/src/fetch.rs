//! One flight's work: attempts within the time allowed, until there is a token or an error that stands.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::auth::{authenticate, echoes};
use crate::clock::{self, Moment};
use crate::config::Config;
use crate::discovery;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::lifecycle;
use crate::random;
use crate::request::{Form, Target};
use crate::response;
use crate::retry_after;
use crate::stats::Counters;
use crate::token::Held;
use crate::transport::{self, Route};

/// Asks the server, again where that helps, within `timeout` in all.
pub(crate) async fn fetch(
    engine: &Engine,
    config: &Config,
    target: &Target,
    counters: &Counters,
) -> Result<Arc<Held>, Error> {
    let deadline = Instant::now() + config.timeout;
    let http = engine.http(&Route::new(config))?;
    let mut attempt = 1;
    loop {
        let tried = tokio::time::timeout_at(deadline, once(engine, &http, config, target, counters)).await;
        let error = match tried.unwrap_or_else(|_| Err(out_of_time(config))) {
            Ok(held) => return Ok(Arc::new(held)),
            Err(error) => error,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = is_repeatable(&error)
            .then(|| lifecycle::next_attempt(attempt, error.wait(), left, random::unit()))
            .flatten();
        let Some(wait) = wait else { return Err(error) };
        tokio::time::sleep(wait).await;
        attempt += 1;
    }
}

/// No answer was begun, or the server itself says that it is a passing fault.
fn is_repeatable(error: &Error) -> bool {
    let before_answer = error.kind() == ErrorKind::Transport && matches!(error.code(), "connect" | "closed");
    before_answer || matches!(error.http_status(), Some(408 | 429 | 500..=599))
}

fn out_of_time(config: &Config) -> Error {
    let message =
        format!("no complete answer from the token endpoint within `timeout` ({} s)", config.timeout.as_secs_f64());
    Error::new(ErrorKind::Transport, "timeout", message).with_retryable(true)
}

/// One HTTP request and the reading of its answer.
async fn once(
    engine: &Engine,
    http: &reqwest::Client,
    config: &Config,
    target: &Target,
    counters: &Counters,
) -> Result<Held, Error> {
    crate::testing::panic_if_armed();
    let url = discovery::token_endpoint(engine, http, config).await?;
    let outgoing = authenticate(config, Form::client_credentials(config, target));
    counters.token_requests.fetch_add(1, Ordering::Relaxed);
    let (sent, sent_at) = (Moment::now(), clock::wall());
    let reply = transport::post(http, &url, &outgoing).await?;
    let answer = response::read(reply.status, &reply.body, &echoes(config));
    let answer = answer.map_err(|error| {
        let wait = retry_after::read(&reply.headers, sent_at);
        if error.retryable() { error.with_retry_after(wait) } else { error }
    })?;
    let lifetime = answer.lifetime.unwrap_or(config.default_lifetime);
    Ok(Held {
        value: answer.value,
        scope: answer.scope,
        extra: answer.extra,
        sent,
        lifetime,
        expires_at: later(sent_at, lifetime),
        jitter: random::process_jitter(),
    })
}

fn later(time: SystemTime, by: Duration) -> SystemTime {
    time.checked_add(by).unwrap_or(time)
}
