//! A failure as it is noted in a shared store, under the seal: whoever has waited for it, or comes while it holds, need not ask
//! the server to find out the same.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::stored::unix_millis;
use crate::clock;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::lifecycle;

#[derive(Serialize, Deserialize)]
struct Note {
    kind: String,
    error: Value,
    /// Milliseconds since 1970.
    until: u64,
}

/// How long this failure holds for others, too. `None`: it may be a matter of this machine.
pub(super) fn life(error: &Error, config: &Config) -> Option<Duration> {
    // Assertions and proofs are made by this machine's clock; a ready assertion is this process's own.
    let signs = config.makes_assertion() || config.client_assertion.is_some() || config.dpop.is_some();
    let holds = error.retryable() || error.kind() == ErrorKind::Server && !signs;
    holds.then(|| lifecycle::noted(error.retryable(), error.wait()))
}

/// The bytes of this failure. `until`: milliseconds since 1970.
pub(super) fn write(error: &Error, until: u64) -> Option<Zeroizing<Vec<u8>>> {
    let note = Note { kind: error.kind().name().to_owned(), error: error.details(), until };
    serde_json::to_vec(&note).ok().map(Zeroizing::new)
}

/// The failure. A wait that the server asked for is what is left of it.
pub(super) fn read(bytes: &[u8]) -> Option<Error> {
    let Note { kind, error, until } = serde_json::from_slice(bytes).ok()?;
    let left = Duration::from_millis(until.saturating_sub(unix_millis(clock::wall())));
    let error = Error::from_details(&kind, &error)?;
    let wait = error.wait().map(|wait| wait.min(left));
    Some(error.with_retry_after(wait))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(more: Value) -> Config {
        let mut options =
            json!({"token_endpoint": "https://a.example/token", "client_id": "id", "client_secret": "secret"});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Config::from_value(options).unwrap()
    }

    #[test]
    fn a_failure_is_the_same_to_others_with_what_is_left_of_its_wait() {
        let error = Error::new(ErrorKind::Server, "slow_down", "too much")
            .with_status(429)
            .with_description(Some("later".to_owned()))
            .with_hint("wait")
            .with_retry_after(Some(Duration::from_secs(30)));
        let until = unix_millis(clock::wall()) + 20_000;
        let read = read(&write(&error, until).unwrap()).unwrap();
        let left = read.retry_after().unwrap();
        assert!((19.0..=20.0).contains(&left), "{left}");
        assert_eq!(format!("{:?}", read.with_retry_after(error.wait())), format!("{error:?}"));
        assert!(super::read(b"{}").is_none());
    }

    #[test]
    fn what_may_be_a_matter_of_this_machine_is_not_told() {
        let of = |kind, code: &'static str| Error::new(kind, code, "");
        let secret = config(json!({}));
        let signs = config(json!({"token_endpoint_auth_method": "client_secret_jwt", "assertion_audience": "a"}));
        let seconds = |error: Error, config: &Config| life(&error, config).map(|life| life.as_secs_f64());
        let refused = || of(ErrorKind::Server, "invalid_client");
        assert_eq!(seconds(refused(), &secret), Some(5.75));
        assert_eq!(seconds(refused(), &signs), None, "its clock may be wrong");
        let proves = config(json!({"dpop": true}));
        assert_eq!(seconds(refused(), &proves), None);
        let passing = || of(ErrorKind::Transport, "connect").with_retryable(true);
        assert_eq!(seconds(passing(), &signs), Some(1.25));
        assert_eq!(seconds(passing().with_retry_after(Some(Duration::from_secs(9))), &signs), Some(9.75));
        assert_eq!(seconds(of(ErrorKind::Transport, "tls"), &secret), None, "its authorities");
        assert_eq!(seconds(of(ErrorKind::Secret, "secret_file_unreadable"), &secret), None);
    }
}
