//! What `tokenwell doctor` wants to know beyond a token. Not part of the interface.

use std::time::Duration;

use crate::cache::examine::examine;
use crate::clock;
use crate::config::Config;
use crate::engine::engine;
pub use crate::error::reason;
use crate::error::{Error, ErrorKind};
use crate::retry_after;
use crate::transport;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Seconds that the server's clock is ahead of this machine's, by the `Date` of an answer (RFC 9110 section 6.6.1); `None`
/// where it cannot be told. Waits 5 seconds at most. The request carries no credential.
pub fn clock_offset(config: &Config) -> Option<i64> {
    let (http, url) = (engine().http(&engine().route(config, None), None).ok()?, config.endpoint.url().clone());
    let ask = async move {
        let answer = transport::get(&http, &url).await;
        answer.ok().and_then(|reply| retry_after::clock_offset(&reply.headers, clock::wall()))
    };
    wait(ask).ok()?
}

/// Whether the shared store of `cache` can be reached, locked, written and read; `None` where nothing is shared. Waits 5 seconds
/// at most. Leaves an entry that tells nothing and ends after 10 seconds.
///
/// # Errors
/// `CacheError`: what is wrong with it, and in the hint what to do. `SecretError`: what seals it cannot be read.
pub fn store(config: Config) -> Option<Result<(), Error>> {
    wait(async move { examine(&config).await }).unwrap_or_else(|error| Some(Err(error)))
}

/// The outcome of this on the library's thread.
fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Error> {
    let (sender, receiver) = std::sync::mpsc::channel();
    // Whoever waited may have gone.
    engine().drive()?.run(async move { drop(sender.send(work.await)) });
    let late = |_| Error::new(ErrorKind::Cache, "timeout", "no answer came within 5 s");
    receiver.recv_timeout(TIMEOUT).map_err(late)
}
