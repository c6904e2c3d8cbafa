//! Connections to a Redis: made when they are needed, followed to where a cluster or its sentinels point, every wait bounded.
//!
//! The client crate speaks the protocol. Streams, clusters and sentinels are handled here, because its own ways of
//! connecting take the TLS provider of the process, read the system's roots for each connection, and keep time of their own.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, RedisConnectionInfo, RedisError, RedisResult, ServerErrorKind, Value,
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::super::{BUDGET, FIRST_BUDGET, in_time};
use super::address::{Address, Login, Node, Sentinel};
use crate::clock::Moment;
use crate::engine::engine;
use crate::lifecycle;
use crate::random;
use crate::transport::Quiet;

/// The longest wait for a connection with its login. It counts as a failure long before, but is not given up: by then nobody waits any more: it is for those who come later.
const LONGEST_DIAL: Duration = Duration::from_secs(1);
/// Tries of one command: a dead connection, a node that has moved, and a master that has changed may come together.
const TRIES: usize = 4;
/// Names whose node is remembered. More are found by asking anew.
const MOST_HOMES: usize = 10_000;

/// The way to one Redis, shared by the clients of this process that name it.
pub(super) struct Link {
    address: Address,
    state: Mutex<State>,
    /// Held while a connection is made: many flights that find none need one.
    dialling: tokio::sync::Mutex<()>,
    /// Questions that have made a connection and wait for its first answer.
    openings: AtomicUsize,
}

/// A question has made a connection: until its end everybody is patient.
struct Opening<'a>(&'a AtomicUsize);

impl<'a> Opening<'a> {
    fn new(openings: &'a AtomicUsize) -> Opening<'a> {
        openings.fetch_add(1, Ordering::Relaxed);
        Opening(openings)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct State {
    open: HashMap<Node, MultiplexedConnection>,
    /// The node that has a name, as a cluster has said.
    homes: HashMap<String, Node>,
    /// The node to begin with, and the place of the address that led to it.
    entrance: Option<Node>,
    first: usize,
    /// Failures in a row, and until when nothing is asked after them.
    failures: u32,
    until: Option<Moment>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Link {
    pub(super) fn new(address: Address) -> Link {
        Link {
            address,
            state: Mutex::default(),
            dialling: tokio::sync::Mutex::default(),
            openings: AtomicUsize::default(),
        }
    }

    /// How long an answer may take that is waited for now. After a failure nobody waits for a connection any more: one that
    /// comes late is there for the next flight.
    pub(super) fn budget(&self) -> Duration {
        let is_opening = self.openings.load(Ordering::Relaxed) > 0;
        if is_opening && self.state().failures == 0 { FIRST_BUDGET } else { BUDGET }
    }

    /// Sends a command that concerns this name. Fails at once while the pause after a failure lasts.
    pub(super) async fn ask(&self, name: &str, command: &Cmd) -> RedisResult<Value> {
        self.paused()?;
        self.ask_anyway(name, command).await
    }

    /// The same without regard to a pause: for what others wait for.
    pub(super) async fn ask_anyway(&self, name: &str, command: &Cmd) -> RedisResult<Value> {
        let answer = self.follow(name, command).await;
        match &answer {
            Err(error) if is_absence(error) => self.failed(),
            // An answer, be it a refusal: the server is there.
            _ => self.state().failures = 0,
        }
        answer
    }

    fn failed(&self) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.until = Some(Moment::now().after(lifecycle::store_pause(state.failures, random::unit())));
    }

    fn paused(&self) -> RedisResult<()> {
        let state = self.state();
        match state.until {
            Some(until) if state.failures > 0 && until > Moment::now() => {
                Err(failure("the store has failed a moment ago and is not asked"))
            }
            _ => Ok(()),
        }
    }

    async fn follow(&self, name: &str, command: &Cmd) -> RedisResult<Value> {
        let (mut asking, mut opening): (Option<Node>, _) = (None, None);
        let mut last = failure("the store sends from one node to another");
        for _ in 0..TRIES {
            let asked = asking.take();
            let node = match asked.clone().or_else(|| self.home(name)) {
                Some(node) => node,
                None => self.entrance(&mut opening).await?,
            };
            let (mut connection, kept) = match self.connection(&node, &mut opening).await {
                Ok(connection) => connection,
                // A node that is gone has left its names to another one.
                Err(error) if self.forget(&node) => {
                    last = error;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if asked.is_some() {
                self.within(redis::cmd("ASKING").exec_async(&mut connection)).await?;
            }
            last = match self.within(command.query_async(&mut connection)).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match last.kind() {
                ErrorKind::Server(ServerErrorKind::Moved) => self.remember(name, named(&last, &node)),
                ErrorKind::Server(ServerErrorKind::Ask) => asking = named(&last, &node),
                // The master of yesterday: the sentinels know today's.
                ErrorKind::Server(ServerErrorKind::ReadOnly) if self.address.sentinel.is_some() => {
                    self.forget(&node);
                }
                ErrorKind::Server(_) => return Err(last),
                _ => {
                    self.forget(&node);
                    // One that was kept may have been closed long ago; what fails on a new one fails.
                    if !kept || !last.is_connection_dropped() {
                        return Err(last);
                    }
                }
            }
        }
        Err(last)
    }

    /// The node to begin with: with sentinels the master that they name, else the first that can be reached.
    async fn entrance<'a>(&'a self, opening: &mut Option<Opening<'a>>) -> RedisResult<Node> {
        let nodes = &self.address.nodes;
        let first = self.state().first;
        let mut last = failure("there is no node");
        for place in (0..nodes.len()).map(|at| (first + at) % nodes.len()) {
            let found = match &self.address.sentinel {
                None => self.connection(&nodes[place], opening).await.map(|_| nodes[place].clone()),
                Some(sentinel) => self.master(&nodes[place], sentinel, opening).await,
            };
            last = match found {
                Ok(node) => {
                    let mut state = self.state();
                    state.first = place;
                    state.entrance = Some(node.clone());
                    return Ok(node);
                }
                Err(error) => error,
            };
        }
        Err(last)
    }

    async fn master<'a>(
        &'a self,
        node: &Node,
        sentinel: &Sentinel,
        opening: &mut Option<Opening<'a>>,
    ) -> RedisResult<Node> {
        opening.get_or_insert_with(|| Opening::new(&self.openings));
        let mut connection = self.dial(node, &sentinel.login, 0).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinel.master);
        let answer: Option<(String, u16)> = self.within(question.query_async(&mut connection)).await?;
        let (host, port) = answer.ok_or_else(|| failure("the sentinel knows no master of this name"))?;
        Ok(Node::Tcp(host, port))
    }

    /// The connection to a node, and whether it was there already.
    async fn connection<'a>(
        &'a self,
        node: &Node,
        opening: &mut Option<Opening<'a>>,
    ) -> RedisResult<(MultiplexedConnection, bool)> {
        let kept = |state: MutexGuard<'_, State>| state.open.get(node).cloned().map(|connection| (connection, true));
        if let Some(found) = kept(self.state()) {
            return Ok(found);
        }
        let failures = self.state().failures;
        let _alone = self.dialling.lock().await;
        if let Some(found) = kept(self.state()) {
            return Ok(found);
        }
        if self.state().failures > failures {
            return Err(failure("another flight has found nobody there just now"));
        }
        opening.get_or_insert_with(|| Opening::new(&self.openings));
        let connection = self.dial(node, &self.address.login, self.address.database).await?;
        self.state().open.insert(node.clone(), connection.clone());
        Ok((connection, false))
    }

    async fn dial(&self, node: &Node, login: &Login, database: i64) -> RedisResult<MultiplexedConnection> {
        let mut info = RedisConnectionInfo::default().set_db(database).set_skip_set_lib_name();
        if let Some(user) = &login.user {
            info = info.set_username(user);
        }
        if let Some(password) = &login.password {
            info = info.set_password(password.expose());
        }
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(LONGEST_DIAL));
        let mut opened =
            pin!(async { MultiplexedConnection::new_with_config(&info, self.stream(node).await?, config).await });
        let (connection, driver) = match in_time(&mut opened, || self.budget()).await {
            Some(opened) => opened?,
            None => {
                self.failed();
                timeout(LONGEST_DIAL, opened).await.map_err(|_| late())??
            }
        };
        // Ends when the last handle of the connection is dropped.
        drop(tokio::spawn(driver));
        Ok(connection)
    }

    async fn stream(&self, node: &Node) -> RedisResult<Box<dyn Stream>> {
        let (host, port) = match node {
            Node::Tcp(host, port) => (host.as_str(), *port),
            #[cfg(unix)]
            Node::Unix(path) => return Ok(Box::new(Quiet(tokio::net::UnixStream::connect(path).await?))),
            #[cfg(not(unix))]
            Node::Unix(_) => return Err(failure("this system has no Unix sockets")),
        };
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let stream = Quiet(stream);
        if !self.address.tls {
            return Ok(Box::new(stream));
        }
        let tls = engine().tls(self.address.ca_file.as_deref()).map_err(|_| failure("TLS cannot be set up"))?;
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(TlsConnector::from(Arc::new(tls)).connect(name, stream).await?))
    }

    fn remember(&self, name: &str, node: Option<Node>) {
        let mut state = self.state();
        if state.homes.len() >= MOST_HOMES {
            state.homes.clear();
        }
        match node {
            Some(node) => drop(state.homes.insert(name.to_owned(), node)),
            None => drop(state.homes.remove(name)),
        }
    }

    /// The node that has this name, as far as is known.
    fn home(&self, name: &str) -> Option<Node> {
        let state = self.state();
        state.homes.get(name).or(state.entrance.as_ref()).cloned()
    }

    /// Lets go of a node; whether something was known of it.
    fn forget(&self, node: &Node) -> bool {
        let mut state = self.state();
        let names = state.homes.len();
        state.homes.retain(|_, home| home != node);
        let entrance = state.entrance.take_if(|entrance| entrance == node);
        state.open.remove(node).is_some() | entrance.is_some() | (state.homes.len() < names)
    }

    async fn within<T>(&self, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        in_time(work, || self.budget()).await.unwrap_or_else(|| Err(late()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The node that a cluster's error names. Without a host it is another port of the node that answered.
fn named(error: &RedisError, answered: &Node) -> Option<Node> {
    let (place, _) = error.redirect_node()?;
    match (place.strip_prefix(':'), answered) {
        (Some(port), Node::Tcp(host, _)) => Some(Node::Tcp(host.clone(), port.parse().ok()?)),
        _ => Node::read(place, 6379),
    }
}

/// Whether nobody answered, or one who cannot serve: a pause spares both sides. A refusal of one command is no such thing.
fn is_absence(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, Moved};
    match error.kind() {
        ErrorKind::Server(kind) => matches!(kind, BusyLoading | ClusterDown | MasterDown | Moved),
        ErrorKind::Extension | ErrorKind::UnexpectedReturnType => false,
        _ => true,
    }
}

fn failure(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Client, what))
}

fn late() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}
