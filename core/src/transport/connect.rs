//! The way to a server: name, addresses, proxy, TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, PROXY_AUTHORIZATION};
use hyper::upgrade::Upgraded;
use hyper::{Request, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Position, Url};

use super::fault::Fault;
use super::pool::Connection;
use super::quiet::Quiet;
use super::unusable;
use crate::error::Error;
use crate::secret::Secret;

/// The next address gets its chance after so long (RFC 8305 section 5), or as soon as the one before has failed.
const HEAD_START: Duration = Duration::from_millis(250);

/// Opens connections.
pub(super) struct Connector {
    /// `None`: plain http, without a proxy.
    pub(super) tls: Option<Tls>,
    /// For the whole way, TLS included.
    pub(super) timeout: Duration,
}

/// What https needs.
pub(super) struct Tls {
    config: TlsConnector,
    proxies: Matcher,
}

impl Tls {
    /// `proxy` is for every host; without it the variables of the environment decide, and the system's settings.
    pub(super) fn new(config: rustls::ClientConfig, proxy: Option<&Secret>) -> Result<Tls, Error> {
        let proxies = match proxy.map(|proxy| Url::parse(proxy.expose())) {
            Some(proxy) => Matcher::builder().all(proxy.map_err(|_| unusable("the proxy"))?.as_str()).build(),
            None => Matcher::from_system(),
        };
        Ok(Tls { config: Arc::new(config).into(), proxies })
    }

    async fn secure(&self, way: Box<dyn Way>, host: &str) -> Result<Box<dyn Way>, Fault> {
        let name = ServerName::try_from(without_brackets(host).to_owned()).map_err(|_| Fault::UnknownHost)?;
        Ok(Box::new(self.config.connect(name, way).await.map_err(Fault::Connect)?))
    }

    /// The proxy for a URL, if there is one.
    fn proxy(&self, url: &Url) -> Option<Intercept> {
        self.proxies.intercept(&url.as_str().parse::<Uri>().ok()?)
    }

    /// A tunnel through a proxy (RFC 9110 section 9.3.6).
    async fn tunnel(&self, proxy: &Intercept, target: &str) -> Result<Box<dyn Way>, Fault> {
        let secure = proxy.uri().scheme_str() == Some("https");
        let host = proxy.uri().host().unwrap_or_default();
        let port = proxy.uri().port_u16().unwrap_or(if secure { 443 } else { 80 });
        // Where the proxy is, without its credential.
        let fault = |status| Fault::Proxy { address: format!("{host}:{port}"), status };
        if !secure && proxy.uri().scheme_str() != Some("http") {
            return Err(fault(None));
        }
        let way = reach(host, port).await.map_err(|_| fault(None))?;
        let way = if secure { self.secure(way, host).await? } else { way };
        let (mut sender, connection) = http1::handshake(TokioIo::new(way)).await.map_err(|_| fault(None))?;
        tokio::spawn(connection.with_upgrades());
        let mut request = Request::connect(target).header(HOST, target);
        if let Some(credential) = proxy.basic_auth() {
            request = request.header(PROXY_AUTHORIZATION, credential.clone());
        }
        // Of the type that a token request has, or the HTTP code would be there once more for an empty one.
        let request = request.body(Full::<Bytes>::default()).map_err(|_| fault(None))?;
        let answer = sender.send_request(request).await.map_err(|_| fault(None))?;
        if !answer.status().is_success() {
            return Err(fault(Some(answer.status().as_u16())));
        }
        let tunnel = hyper::upgrade::on(answer).await.map_err(|_| fault(None))?;
        Ok(Box::new(TokioIo::new(tunnel)))
    }
}

/// A stream of bytes to a server. One type for all, or the HTTP code would be there once for each.
pub(super) trait Way: AsyncRead + AsyncWrite + Send + Unpin {
    /// The socket's descriptor. Of a tunnel's it is not known, and on other systems there is none.
    fn descriptor(&self) -> Option<i32> {
        None
    }
}

impl Way for Quiet<TcpStream> {
    #[cfg(unix)]
    fn descriptor(&self) -> Option<i32> {
        Some(std::os::fd::AsRawFd::as_raw_fd(&self.0))
    }
}

impl Way for TlsStream<Box<dyn Way>> {
    fn descriptor(&self) -> Option<i32> {
        self.get_ref().0.descriptor()
    }
}

impl Way for TokioIo<Upgraded> {}

impl Connector {
    /// A fresh connection to the host of this URL.
    pub(super) async fn connect(&self, url: &Url) -> Result<Connection, Fault> {
        let way = tokio::time::timeout(self.timeout, self.way(url));
        let way = way.await.map_err(|_| Fault::Timeout)??;
        let host = url[Position::BeforeHost..Position::AfterPort].parse().map_err(|_| Fault::UnknownHost)?;
        Connection::new(&url[..Position::BeforePath], host, way).await.map_err(Fault::Http)
    }

    async fn way(&self, url: &Url) -> Result<Box<dyn Way>, Fault> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let Some(tls) = self.tls.as_ref().filter(|_| url.scheme() == "https") else { return reach(host, port).await };
        let way = match tls.proxy(url) {
            Some(proxy) => tls.tunnel(&proxy, &format!("{host}:{port}")).await?,
            None => reach(host, port).await?,
        };
        tls.secure(way, host).await
    }
}

/// As a URL writes an IPv6 address, and as everybody else does.
fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// A TCP connection to whichever address of a host answers first.
async fn reach(host: &str, port: u16) -> Result<Box<dyn Way>, Fault> {
    let found = tokio::net::lookup_host((without_brackets(host), port)).await.map_err(|_| Fault::UnknownHost)?;
    let mut addresses = alternating(found.collect()).into_iter();
    let mut attempts = JoinSet::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let patience = match addresses.next() {
            Some(address) => {
                attempts.spawn(TcpStream::connect(address));
                HEAD_START
            }
            None => Duration::MAX,
        };
        match tokio::time::timeout(patience, attempts.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => {
                stream.set_nodelay(true).map_err(Fault::Connect)?;
                return Ok(Box::new(Quiet(stream)));
            }
            Ok(Some(Ok(Err(error)))) => failure = error,
            Ok(None) => return Err(Fault::Connect(failure)),
            Ok(Some(Err(_))) | Err(_) => {}
        }
    }
}

/// IPv6 and IPv4 in turn, the resolver's first one first (RFC 8305 section 4).
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv6() == v6_first);
    let turns = (0..first.len().max(second.len())).flat_map(|turn| [first.get(turn), second.get(turn)]);
    turns.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f09_the_families_take_turns() {
        let addresses = |list: &[&str]| -> Vec<SocketAddr> { list.iter().map(|one| one.parse().unwrap()).collect() };
        let given = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]);
        assert_eq!(alternating(given), addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]));
        let given = addresses(&["1.1.1.1:1", "[::1]:1"]);
        assert_eq!(alternating(given.clone()), given);
        assert!(alternating(Vec::new()).is_empty());
    }
}
