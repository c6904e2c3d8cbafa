//! Connections that are kept between requests.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderValue;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::Http;
use super::connect::Way;
use crate::engine::has_news;

/// So long a connection may wait for its next request: enough for those of one burst, and the next after that is most of an hour
/// away. Its buffers hold the credential and the last answer, and are wiped when it is closed.
const KEPT: Duration = Duration::from_secs(2);
/// So often those that have waited too long are looked for.
const SWEEP: Duration = Duration::from_secs(1);

type Work = http1::Connection<TokioIo<Box<dyn Way>>, Full<Bytes>>;

/// A connection. Who uses it does its work too: a task for that would have to be woken for each answer, and wake whoever waits.
pub(super) struct Connection {
    origin: String,
    /// The `Host` of its requests.
    pub(super) host: HeaderValue,
    descriptor: Option<i32>,
    pub(super) sender: SendRequest<Full<Bytes>>,
    /// `None`: it is closed.
    work: Option<Box<Work>>,
}

impl Connection {
    pub(super) async fn new(origin: &str, host: HeaderValue, way: Box<dyn Way>) -> hyper::Result<Connection> {
        let descriptor = way.descriptor();
        let (sender, work) = http1::handshake(TokioIo::new(way)).await?;
        Ok(Connection { origin: origin.to_owned(), host, descriptor, sender, work: Some(Box::new(work)) })
    }

    /// Whether something may have come that nobody has read.
    pub(super) fn has_news(&self) -> bool {
        self.descriptor.is_none_or(has_news)
    }

    /// Works until there is what is wanted of this connection.
    pub(super) async fn until<T>(&mut self, wanted: impl Future<Output = T>) -> T {
        let mut wanted = pin!(wanted);
        let step = |context: &mut Context<'_>| {
            // First: a body is read as far as it is asked for.
            if let Poll::Ready(came) = wanted.as_mut().poll(context) {
                return Poll::Ready(came);
            }
            self.work(context);
            wanted.as_mut().poll(context)
        };
        std::future::poll_fn(step).await
    }

    /// Works on what has come, for nobody: the next request wakes whoever works last, who has it sent anyway.
    pub(super) fn read_on(&mut self) {
        self.work(&mut Context::from_waker(Waker::noop()));
    }

    fn work(&mut self, context: &mut Context<'_>) {
        // Its errors come to whoever waits for an answer.
        if self.work.as_mut().is_some_and(|work| Pin::new(work).poll(context).is_ready()) {
            self.work = None;
        }
    }

    /// Whether it can take a request: the last one is done with, and the server has not closed it.
    fn is_ready(&mut self) -> bool {
        self.read_on();
        self.sender.is_ready()
    }

    /// Tells the server as far as that can be done at once. One that has not read the last request to its end is not waited for: it
    /// would keep the connection, and what is in it, for as long as it likes.
    fn close(self) {
        drop(self.sender);
        if let Some(work) = self.work {
            let farewell = pin!(tokio::task::unconstrained(work));
            let _ = farewell.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// The idle connections of one route.
#[derive(Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    /// And since when.
    connections: Vec<(Connection, Instant)>,
    /// A task looks for those that have waited too long.
    tended: bool,
}

impl Pool {
    /// A connection to this origin, the one used last if it can be had. What the server has done with it meanwhile is seen, once the
    /// runtime has asked for events, when a request is given to it, which is given back where it cannot be sent.
    pub(super) fn take(&self, origin: &str) -> Option<Connection> {
        let mut idle = self.lock();
        let usable = |(kept, since): &(Connection, Instant)| kept.origin == origin && since.elapsed() < KEPT;
        let place = idle.connections.iter().rposition(usable)?;
        Some(idle.connections.swap_remove(place).0)
    }

    /// Lets go of what is closed or has waited too long; whether anything is left.
    fn sweep(&self) -> bool {
        let mut idle = self.lock();
        let gone = idle.connections.extract_if(.., |(kept, since)| since.elapsed() >= KEPT || !kept.is_ready());
        gone.for_each(|(connection, _)| connection.close());
        idle.tended = !idle.connections.is_empty();
        idle.tended
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a connection whose answer has been read to its end.
pub(super) fn keep(http: &Arc<Http>, mut connection: Connection) {
    // Most often it is ready by now, which the sender alone knows: to work on it first takes longer.
    if !connection.sender.is_ready() && !connection.is_ready() {
        return connection.close();
    }
    let mut idle = http.pool.lock();
    idle.connections.push((connection, Instant::now()));
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

#[cfg(test)]
mod tests {
    use hyper::Request;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    impl Way for tokio::io::DuplexStream {}

    #[tokio::test]
    async fn who_answers_without_reading_the_request_keeps_no_connection_open() {
        let (way, mut server) = duplex(64);
        let mut connection =
            Connection::new("http://localhost", HeaderValue::from_static("localhost"), Box::new(way)).await.unwrap();
        let answer = connection.sender.try_send_request(Request::new(Full::new(vec![b'a'; 1024].into())));
        let begin = async {
            server.read_exact(&mut [0; 8]).await.unwrap();
            server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        };
        assert!(tokio::join!(connection.until(answer), begin).0.is_ok());
        connection.close();
        tokio::task::yield_now().await;
        assert!(server.write_all(b"is there anybody?").await.is_err());
    }
}
