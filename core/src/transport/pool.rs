//! Connections that are kept between requests, by origin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use super::Http;

/// A connection as the sender of its next request.
pub(super) type Sender = SendRequest<Full<Bytes>>;

/// So long a connection may wait for its next request: enough for those of one burst, and the next after that is most of an hour
/// away. Its buffers hold the credential and the last answer, and are wiped when it is closed.
const KEPT: Duration = Duration::from_secs(2);
/// So often those that have waited too long are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// The idle connections of one route.
#[derive(Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    origins: HashMap<String, Vec<(Sender, Instant)>>,
    /// A task looks for those that have waited too long.
    tended: bool,
}

impl Pool {
    /// A connection to this origin, the one used last if it can be had.
    pub(super) fn take(&self, origin: &str) -> Option<Sender> {
        let mut idle = self.lock();
        let connections = idle.origins.get_mut(origin)?;
        let ready = connections.iter().rposition(|(sender, since)| sender.is_ready() && since.elapsed() < KEPT)?;
        Some(connections.swap_remove(ready).0)
    }

    /// Lets go of what is closed or has waited too long; whether anything is left.
    fn sweep(&self) -> bool {
        let mut idle = self.lock();
        idle.origins.retain(|_, connections| {
            connections.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < KEPT);
            !connections.is_empty()
        });
        idle.tended = !idle.origins.is_empty();
        idle.tended
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a connection whose answer has been read to its end.
pub(super) fn keep(http: &Arc<Http>, origin: &str, sender: Sender) {
    let mut idle = http.pool.lock();
    let kept = (sender, Instant::now());
    match idle.origins.get_mut(origin) {
        Some(connections) => connections.push(kept),
        None => drop(idle.origins.insert(origin.to_owned(), vec![kept])),
    }
    if !std::mem::replace(&mut idle.tended, true) {
        tokio::spawn(tend(Arc::clone(http)));
    }
}

/// Holds the client as long as one of its connections waits.
async fn tend(http: Arc<Http>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        if !http.pool.sweep() {
            return;
        }
    }
}
