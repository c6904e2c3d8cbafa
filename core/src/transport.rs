//! One HTTP request, bounded in every direction: TLS, proxy, deadlines, sizes, no redirects. What can go wrong becomes
//! an [`Error`] in `transport/fault.rs`.
//!
//! On hyper's connections, without a general client over them: what such a client adds, redirects, cookies, layers, is not
//! wanted here, and costs more than the request itself.

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderValue,
};
use hyper::{Method, Request, Response};
use url::{Position, Url};
use zeroize::Zeroizing;

use crate::auth::Outgoing;
use crate::certificate::ClientCertificate;
use crate::config::{Config, is_loopback};
use crate::error::{Error, ErrorKind};
use crate::first_step;
use crate::secret::Secret;
use connect::{Connector, Tls};
use fault::Fault;
use pool::{Connection, Pool};

mod connect;
mod fault;
mod pem;
mod pool;
mod quiet;
mod roots;
mod tls;

pub(crate) use quiet::Quiet;
pub(crate) use roots::{Authorities, check_file as check_ca_file};
pub(crate) use tls::{Version, config as tls, version};

/// A token answer is some kilobytes; this is after decompression, bytes.
const LONGEST_BODY: usize = 1024 * 1024;
/// All names and values together, bytes.
const LONGEST_HEADERS: usize = 64 * 1024;

/// What decides about a connection: clients that agree in it share their connections.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    /// What a connection shows, by its thumbprint: another certificate is another connection.
    certificate: Option<[u8; 32]>,
    ca_file: Option<Arc<Path>>,
    /// Size and time of the CA file: a renewed one is another route.
    ca_version: Option<Version>,
    proxy: Option<Secret>,
    connect_timeout: Duration,
    /// http, which validation allows on loopback only: no TLS, and no proxy that would see the credential.
    plain: bool,
}

impl Route {
    /// `ca_version`: what the CA file is now.
    pub(crate) fn new(config: &Config, certificate: Option<&ClientCertificate>, ca_version: Option<Version>) -> Route {
        Route {
            certificate: certificate.map(ClientCertificate::thumbprint),
            ca_file: config.tls_ca_file.clone(),
            ca_version,
            proxy: config.proxy.clone(),
            connect_timeout: config.connect_timeout,
            plain: config.endpoint.url().scheme() == "http" && is_loopback(config.endpoint.url()),
        }
    }

    /// The HTTP client of this route, which shows this certificate.
    pub(crate) fn client(
        &self,
        system: &Arc<Authorities>,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Http, Error> {
        let tls = match self.plain {
            true => None,
            false => {
                let tls = tls::config(self.ca_file.as_deref(), system, certificate)?;
                Some(Tls::new(tls, self.proxy.as_ref())?)
            }
        };
        Ok(Http { connector: Connector { tls, timeout: self.connect_timeout }, pool: Pool::default() })
    }
}

fn unusable(what: &str) -> Error {
    Error::internal(&format!("{what} could not be set up"))
}

/// The HTTP client of a route, with its open connections.
pub(crate) struct Http {
    connector: Connector,
    pool: Pool,
}

/// A client that shows a certificate has its private key, which goes with the last connection: it is read anew for each fetch.
pub(crate) enum Kept {
    Always(Arc<Http>),
    WhileConnected(Weak<Http>),
}

impl Kept {
    pub(crate) fn client(&self) -> Option<Arc<Http>> {
        match self {
            Kept::Always(client) => Some(client.clone()),
            Kept::WhileConnected(client) => client.upgrade(),
        }
    }
}

/// An HTTP answer, read whole.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Posts a form to the token endpoint and reads the answer.
pub(crate) async fn post(http: &Arc<Http>, url: &Url, outgoing: Outgoing) -> Result<Reply, Error> {
    exchange(http, url, posting(url, outgoing)?).await
}

fn posting(url: &Url, outgoing: Outgoing) -> Result<Request<Full<Bytes>>, Error> {
    let mut request = request(Method::POST, url, Bytes::from_owner(outgoing.form))?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Some(authorization) = outgoing.authorization {
        let value = HeaderValue::from_maybe_shared(Bytes::from_owner(authorization));
        let mut value = value.map_err(|_| unusable("the Authorization header"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    if let Some(proof) = outgoing.proof {
        headers.insert("dpop", HeaderValue::try_from(proof).map_err(|_| unusable("the DPoP header"))?);
    }
    Ok(request)
}

/// Reads a document that needs no credential.
pub(crate) async fn get(http: &Arc<Http>, url: &Url) -> Result<Reply, Error> {
    exchange(http, url, request(Method::GET, url, Bytes::new())?).await
}

fn request(method: Method, url: &Url, body: Bytes) -> Result<Request<Full<Bytes>>, Error> {
    let target = url[Position::BeforePath..Position::AfterQuery].parse();
    // Not with the builder, which moves the whole request with each part that it adds.
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = target.map_err(|_| unusable("the request"))?;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(request)
}

async fn exchange(http: &Arc<Http>, url: &Url, request: Request<Full<Bytes>>) -> Result<Reply, Error> {
    let sent = send(http, url, request).await;
    let (answer, mut connection) = sent.map_err(|fault| fault::before_answer(&fault, url))?;
    let (head, body) = answer.into_parts();
    let status = head.status.as_u16();
    check_head(status, &head.headers)?;
    // Most often the body came along.
    connection.read_on();
    let body = connection.until(read(body, status)).await?;
    pool::keep(http, connection);
    let body = match head.headers.get(CONTENT_ENCODING) {
        Some(coding) if coding == "gzip" && !body.is_empty() => decompress(&body, status)?,
        _ => body,
    };
    Ok(Reply { status, headers: head.headers, body })
}

/// On a kept connection, else on a fresh one. A kept one that turns out to be closed before anything was sent costs nothing.
async fn send(
    http: &Http,
    url: &Url,
    mut request: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, Connection), Fault> {
    let origin = &url[..Position::BeforePath];
    loop {
        let kept = http.pool.take(origin);
        let is_fresh = kept.is_none();
        let mut connection = match kept {
            Some(connection) => {
                // Its end, or an answer that nobody asked for, which would be taken for this request's, is read first.
                if connection.has_news() {
                    first_step::only_if(|| false).await;
                    tokio::task::yield_now().await;
                }
                connection
            }
            // In a box, as all that is rare: or each request would take its room, which is moved, and wiped.
            None => Box::pin(http.connector.connect(url)).await?,
        };
        request.headers_mut().insert(HOST, connection.host.clone());
        let answer = connection.sender.try_send_request(request);
        match connection.until(answer).await {
            Ok(answer) => return Ok((answer, connection)),
            Err(mut error) => match error.take_message().filter(|_| !is_fresh) {
                Some(unsent) => request = unsent,
                None => return Err(Fault::Http(error.into_error())),
            },
        }
    }
}

async fn read(mut body: Incoming, status: u16) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| fault::in_answer(status))?;
        let Ok(chunk) = frame.into_data() else { continue };
        if bytes.len() + chunk.len() > LONGEST_BODY {
            return Err(too_large(status));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads gzip as far as a body may be long.
fn decompress(gzip: &[u8], status: u16) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    let mut reader = MultiGzDecoder::new(gzip).take(LONGEST_BODY as u64 + 1);
    reader.read_to_end(&mut bytes).map_err(|_| fault::in_compression(status))?;
    if bytes.len() > LONGEST_BODY { Err(too_large(status)) } else { Ok(bytes) }
}

fn too_large(status: u16) -> Error {
    let message = format!("the answer is longer than {LONGEST_BODY} bytes");
    Error::new(ErrorKind::Response, "response_too_large", message).with_status(status)
}

fn check_head(status: u16, headers: &HeaderMap) -> Result<(), Error> {
    if (300..400).contains(&status) {
        let message = format!(
            "the server answers with a redirect (status {status}), which is not followed: the credential would go along"
        );
        return Err(Error::new(ErrorKind::Response, "redirect_refused", message)
            .with_status(status)
            .with_hint("set `token_endpoint` or `issuer` to the URL that your provider documents"));
    }
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > LONGEST_HEADERS {
        let message = format!("the answer's headers are longer than {LONGEST_HEADERS} bytes");
        return Err(Error::new(ErrorKind::Response, "headers_too_large", message).with_status(status));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Or the driver would ask for events once more before it sleeps.
    #[tokio::test]
    async fn a_request_on_a_kept_connection_does_not_wake_who_sends_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let mut stream = listener.accept().await.unwrap().0;
            while stream.read(&mut [0; 4096]).await.unwrap() > 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
            }
        });
        let connector = Connector { tls: None, timeout: Duration::from_secs(10) };
        let http = Arc::new(Http { connector, pool: Pool::default() });
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        for is_kept in [false, true] {
            let (before, mut asked) = (wakes.0.load(Ordering::Relaxed), pin!(get(&http, &url)));
            let mut step = || asked.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
            assert!(step());
            assert!(!is_kept || wakes.0.load(Ordering::Relaxed) == before);
            while step() {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn s06_a_tls_handshake_that_is_not_answered_ends_with_connect_timeout() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = serde_json::json!({
            "token_endpoint": format!("https://{}/token", listener.local_addr().unwrap()), "client_id": "a", "client_secret": "b",
            "connect_timeout": 0.3, "timeout": 30,
        });
        let client = crate::Client::new(Config::from_value(options).unwrap()).unwrap();
        let error = tokio::time::timeout(Duration::from_secs(10), client.token()).await.unwrap().unwrap_err();
        assert!(error.code() == "timeout" && error.message().contains("`connect_timeout`"), "{error}");
    }
}
