//! Connections to a Redis: made when they are needed, followed to where a cluster or its sentinels point, every wait bounded.
//!
use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::super::{BUDGET, FIRST_BUDGET, in_time};
use super::address::{Address, Login, Node, Sentinel};
use super::wire::{Command, Connection, Fault, Reply, Stream};
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
    open: HashMap<Node, Connection>,
    /// The node that has a name, as a cluster has said.
    homes: HashMap<String, Node>,
    /// The node to begin with, and the place of the address that led to it.
    entrance: Option<Node>,
    first: usize,
    /// Failures in a row, and until when nothing is asked after them.
    failures: u32,
    until: Option<Moment>,
}

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
    pub(super) async fn ask(&self, name: &str, command: &Command) -> Result<Reply, Fault> {
        self.paused()?;
        self.ask_anyway(name, command).await
    }

    /// The same without regard to a pause: for what others wait for.
    pub(super) async fn ask_anyway(&self, name: &str, command: &Command) -> Result<Reply, Fault> {
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

    fn paused(&self) -> Result<(), Fault> {
        let state = self.state();
        match state.until {
            Some(until) if state.failures > 0 && until > Moment::now() => {
                Err(Fault::Unasked("the store has failed a moment ago and is not asked"))
            }
            _ => Ok(()),
        }
    }

    async fn follow(&self, name: &str, command: &Command) -> Result<Reply, Fault> {
        let (mut asking, mut opening): (Option<Node>, _) = (None, None);
        let mut last = Fault::Unasked("the store sends from one node to another");
        for _ in 0..TRIES {
            let asked = asking.take();
            let node = match asked.clone().or_else(|| self.home(name)) {
                Some(node) => node,
                None => self.entrance(&mut opening).await?,
            };
            let (connection, kept) = match self.connection(&node, &mut opening).await {
                Ok(connection) => connection,
                // A node that is gone has left its names to another one.
                Err(error) if self.forget(&node) => {
                    last = error;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if asked.is_some() {
                self.within(connection.ask(&Command::new(&[b"ASKING"]))).await?;
            }
            last = match self.within(connection.ask(command)).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            match last.code() {
                Some("MOVED") => self.remember(name, named(&last, &node)),
                Some("ASK") => asking = named(&last, &node),
                // The master of yesterday: the sentinels know today's.
                Some("READONLY") if self.address.sentinel.is_some() => {
                    self.forget(&node);
                }
                Some(_) => return Err(last),
                None => {
                    self.forget(&node);
                    // One that was kept may have been closed long ago; what fails on a new one fails.
                    if !kept || !last.is_end() {
                        return Err(last);
                    }
                }
            }
        }
        Err(last)
    }

    /// The node to begin with: with sentinels the master that they name, else the first that can be reached.
    async fn entrance<'a>(&'a self, opening: &mut Option<Opening<'a>>) -> Result<Node, Fault> {
        let nodes = &self.address.nodes;
        let first = self.state().first;
        let mut last = Fault::Unasked("there is no node");
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
    ) -> Result<Node, Fault> {
        opening.get_or_insert_with(|| Opening::new(&self.openings));
        let connection = self.dial(node, &sentinel.login, 0).await?;
        let question = Command::new(&[b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", sentinel.master.as_bytes()]);
        let answer = self.within(connection.ask(&question)).await?;
        place(&answer).ok_or(Fault::Unasked("the sentinel knows no master of this name"))
    }

    /// The connection to a node, and whether it was there already.
    async fn connection<'a>(
        &'a self,
        node: &Node,
        opening: &mut Option<Opening<'a>>,
    ) -> Result<(Connection, bool), Fault> {
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
            return Err(Fault::Unasked("another flight has found nobody there just now"));
        }
        opening.get_or_insert_with(|| Opening::new(&self.openings));
        let connection = self.dial(node, &self.address.login, self.address.database).await?;
        self.state().open.insert(node.clone(), connection.clone());
        Ok((connection, false))
    }

    async fn dial(&self, node: &Node, login: &Login, database: i64) -> Result<Connection, Fault> {
        let mut opened = pin!(async {
            let connection = Connection::new(self.stream(node).await?);
            enter(&connection, login, database).await.map(|()| connection)
        });
        if let Some(opened) = in_time(&mut opened, || self.budget()).await {
            return opened;
        }
        self.failed();
        timeout(LONGEST_DIAL, opened).await.unwrap_or(Err(Fault::LATE))
    }

    async fn stream(&self, node: &Node) -> Result<Box<dyn Stream>, Fault> {
        let (host, port) = match node {
            Node::Tcp(host, port) => (host.as_str(), *port),
            #[cfg(unix)]
            Node::Unix(path) => return Ok(Box::new(Quiet(tokio::net::UnixStream::connect(path).await?))),
            #[cfg(not(unix))]
            Node::Unix(_) => return Err(Fault::Unasked("this system has no Unix sockets")),
        };
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let stream = Quiet(stream);
        if !self.address.tls {
            return Ok(Box::new(stream));
        }
        let tls = engine().tls(self.address.ca_file.as_deref()).map_err(|_| Fault::Unasked("TLS cannot be set up"))?;
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

    async fn within(&self, answer: impl Future<Output = Result<Reply, Fault>>) -> Result<Reply, Fault> {
        in_time(answer, || self.budget()).await.unwrap_or(Err(Fault::LATE))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says who we are, and which database we mean.
async fn enter(connection: &Connection, login: &Login, database: i64) -> Result<(), Fault> {
    let refused = |fault| match fault {
        Fault::Refusal(text) => Fault::NoEntry(text),
        other => other,
    };
    if let Some(password) = &login.password {
        let mut words: Vec<&[u8]> = vec![b"AUTH"];
        words.extend(login.user.as_ref().map(|user| user.as_bytes()));
        words.push(password.expose().as_bytes());
        connection.ask(&Command::new(&words)).await.map_err(refused)?;
    }
    if database != 0 {
        connection.ask(&Command::new(&[b"SELECT", database.to_string().as_bytes()])).await.map_err(refused)?;
    }
    Ok(())
}

/// The master, as a sentinel says it: host and port.
fn place(answer: &Reply) -> Option<Node> {
    let Reply::List(answer) = answer else { return None };
    let [Reply::Bytes(host), Reply::Bytes(port)] = answer.as_slice() else { return None };
    let port = std::str::from_utf8(port).ok()?.parse().ok()?;
    Some(Node::Tcp(String::from_utf8(host.clone()).ok()?, port))
}

/// The node that a cluster's error names. Without a host it is another port of the node that answered.
fn named(fault: &Fault, answered: &Node) -> Option<Node> {
    let place = fault.words().nth(2)?;
    match (place.strip_prefix(':'), answered) {
        (Some(port), Node::Tcp(host, _)) => Some(Node::Tcp(host.clone(), port.parse().ok()?)),
        _ => Node::read(place, 6379),
    }
}

/// Whether nobody answered, or one who cannot serve: a pause spares both sides. A refusal of one command is no such thing.
fn is_absence(fault: &Fault) -> bool {
    match fault {
        Fault::Refusal(_) => matches!(fault.code(), Some("LOADING" | "CLUSTERDOWN" | "MASTERDOWN" | "MOVED")),
        Fault::Way(_) | Fault::NoEntry(_) | Fault::Unasked(_) => true,
    }
}
