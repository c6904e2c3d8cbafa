//! Loopback sockets, and what is spoken on each.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_rustls::TlsAcceptor;

use crate::connection;
use crate::http::Peer;
use crate::realm::Realm;
use crate::site::Site;

/// Thousands of clients may connect in the same moment.
const BACKLOG: i32 = 4096;
/// How often a port that is free on IPv4 may turn out to be taken on IPv6.
const ATTEMPTS: usize = 50;
/// The pause when no more connections can be accepted, for example for lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest TLS record.
const MAX_RECORD: usize = 16 * 1024 + 256;
/// Alert, TLS 1.1, two bytes: fatal, protocol_version.
const PROTOCOL_VERSION_ALERT: [u8; 7] = [21, 3, 2, 0, 2, 2, 70];

/// What a listener speaks.
#[derive(Clone)]
pub(crate) enum Speech {
    Http(Arc<Site>),
    Https(Arc<Site>, TlsAcceptor),
    /// As a server that knows TLS 1.1 only.
    OldTls,
    Canary(Arc<Realm>),
}

/// The same port on 127.0.0.1 and, where the machine has it, on ::1.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) port: u16,
    listeners: Vec<TcpListener>,
}

impl Pair {
    /// Binds this port, or a free one for 0.
    pub(crate) fn bind(port: u16) -> io::Result<Pair> {
        for _ in 0..ATTEMPTS {
            let v4 = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
            let bound = v4.local_addr()?.port();
            match listener(SocketAddr::from((Ipv6Addr::LOCALHOST, bound))) {
                Ok(v6) => {
                    return Ok(Pair { port: bound, listeners: vec![v4, v6] });
                }
                Err(error) if error.kind() == ErrorKind::AddrInUse && port == 0 => {}
                Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
                // A machine without IPv6.
                Err(_) => {
                    return Ok(Pair { port: bound, listeners: vec![v4] });
                }
            }
        }
        Err(ErrorKind::AddrInUse.into())
    }

    /// Starts to accept connections.
    pub(crate) fn serve(self, runtime: &Handle, speech: &Speech) -> io::Result<()> {
        let _inside = runtime.enter();
        for listener in self.listeners {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(accept(listener, speech.clone()));
        }
        Ok(())
    }
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    // On Windows this option would let another process take the port over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// A port that is taken, so that nobody else gets it, but refuses connections.
pub(crate) fn bind_closed() -> io::Result<(Socket, u16)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let socket = socket(address)?;
    socket.bind(&address.into())?;
    let port = socket.local_addr()?.as_socket().map_or(0, |bound| bound.port());
    Ok((socket, port))
}

/// The socket of a realm's own canary server.
pub(crate) fn bind_canary() -> io::Result<TcpListener> {
    listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// Serves the canary until the realm is deleted.
pub(crate) fn spawn_canary(runtime: &Handle, listener: TcpListener, realm: Arc<Realm>) -> io::Result<()> {
    let _inside = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener)?;
    runtime.spawn(async move {
        tokio::select! {
            () = accept(listener, Speech::Canary(Arc::clone(&realm))) => {}
            () = realm.closed() => {}
        }
    });
    Ok(())
}

async fn accept(listener: tokio::net::TcpListener, speech: Speech) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(speak(stream, speech.clone()));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn speak(stream: TcpStream, speech: Speech) {
    match speech {
        Speech::Http(site) => connection::serve(stream, site, Peer::default()).await,
        Speech::Https(site, acceptor) => {
            // A client that does not trust the certificate goes away here.
            if let Ok(stream) = acceptor.accept(stream).await {
                let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
                connection::serve(stream, site, Peer { https: true, certificates }).await;
            }
        }
        Speech::OldTls => {
            let _ = refuse_version(stream).await;
        }
        Speech::Canary(realm) => connection::serve_canary(stream, realm).await,
    }
}

async fn refuse_version(mut stream: TcpStream) -> io::Result<()> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await?;
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    let mut hello = vec![0; length.min(MAX_RECORD)];
    stream.read_exact(&mut hello).await?;
    stream.write_all(&PROTOCOL_VERSION_ALERT).await?;
    stream.shutdown().await
}
