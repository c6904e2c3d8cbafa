//! What `tokenwell doctor` wants to know beyond a token. Not part of the interface.

use std::time::Duration;

use crate::clock;
use crate::config::Config;
use crate::engine::engine;
use crate::retry_after;
use crate::transport::{self, Route};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Seconds that the server's clock is ahead of this machine's, by the `Date` of an answer (RFC 9110 section 6.6.1); `None`
/// where it cannot be told. Waits 5 seconds at most. The request carries no credential.
pub fn clock_offset(config: &Config) -> Option<i64> {
    let (http, url) = (engine().http(&Route::new(config, None), None).ok()?, config.endpoint.url().clone());
    let (sender, receiver) = std::sync::mpsc::channel();
    let ask = async move {
        let answer = transport::get(&http, &url).await;
        let offset = answer.ok().and_then(|reply| retry_after::clock_offset(&reply.headers, clock::wall()));
        // Whoever waited may have gone.
        let _ = sender.send(offset);
    };
    engine().drive().ok()?.run(ask);
    receiver.recv_timeout(TIMEOUT).ok()?
}
