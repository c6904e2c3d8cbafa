//! One HTTP request, bounded in every direction: TLS, proxy, deadlines, sizes, no redirects. What can go wrong becomes
//! an [`Error`] in `transport/fault.rs`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::RootCertStore;
use url::Url;

use crate::auth::Outgoing;
use crate::config::{Config, is_loopback};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

mod fault;
mod tls;

pub(crate) use tls::{read_ca_file, system_roots};

/// A token answer is some kilobytes; this is after decompression, bytes.
const LONGEST_BODY: usize = 1024 * 1024;
/// All names and values together, bytes.
const LONGEST_HEADERS: usize = 64 * 1024;
/// Beyond what LONGEST_HEADERS allows in lines of a sensible length.
const MOST_HEADERS: usize = 1024;

/// What decides about a connection: clients that agree in it share their connections.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    ca_file: Option<PathBuf>,
    /// Size and time of the CA file: a renewed one is another route.
    ca_version: Option<(u64, SystemTime)>,
    proxy: Option<Secret>,
    connect_timeout: Duration,
    /// http, which validation allows on loopback only: no TLS, and no proxy that would see the credential.
    plain: bool,
}

impl Route {
    pub(crate) fn new(config: &Config) -> Route {
        Route {
            ca_file: config.tls_ca_file.clone(),
            ca_version: config.tls_ca_file.as_deref().and_then(tls::version),
            proxy: config.proxy.clone(),
            connect_timeout: config.connect_timeout,
            plain: config.endpoint.url().scheme() == "http" && is_loopback(config.endpoint.url()),
        }
    }

    /// The HTTP client of this route. `system_roots` is asked only where they are needed: reading them takes milliseconds.
    pub(crate) fn connect(&self, system_roots: &dyn Fn() -> Arc<RootCertStore>) -> Result<reqwest::Client, Error> {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(self.connect_timeout)
            .http1_only()
            .http1_max_headers(MOST_HEADERS)
            .dns_resolver(Arc::new(SystemResolver))
            .tls_backend_preconfigured(tls::config(self.roots(system_roots)?)?);
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy.expose()).map_err(|_| unusable("the proxy"))?),
            None if self.plain => builder.no_proxy(),
            None => builder,
        };
        builder.build().map_err(|_| unusable("the HTTP client"))
    }

    fn roots(&self, system_roots: &dyn Fn() -> Arc<RootCertStore>) -> Result<Arc<RootCertStore>, Error> {
        match &self.ca_file {
            _ if self.plain => Ok(Arc::new(RootCertStore::empty())),
            Some(path) => read_ca_file(path).map(Arc::new),
            None => Ok(system_roots()),
        }
    }
}

fn unusable(what: &str) -> Error {
    Error::internal(&format!("{what} could not be set up"))
}

/// The system's resolver, with an error that can be told from other faults of a connection.
struct SystemResolver;

#[derive(Debug)]
struct UnknownHost;

impl std::fmt::Display for UnknownHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the host name has no address")
    }
}

impl std::error::Error for UnknownHost {}

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| UnknownHost)?;
            let found: Vec<SocketAddr> = found.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// An HTTP answer, read whole.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Posts a form to the token endpoint and reads the answer.
pub(crate) async fn post(http: &reqwest::Client, url: &Url, outgoing: &Outgoing) -> Result<Reply, Error> {
    let mut request = http
        .post(url.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
        .body(outgoing.form.as_str().to_owned());
    if let Some(authorization) = &outgoing.authorization {
        let mut value = HeaderValue::from_str(authorization).map_err(|_| unusable("the Authorization header"))?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    if let Some(proof) = &outgoing.proof {
        request = request.header("DPoP", proof);
    }
    exchange(request, url).await
}

/// Reads a document that needs no credential.
pub(crate) async fn get(http: &reqwest::Client, url: &Url) -> Result<Reply, Error> {
    exchange(http.get(url.clone()), url).await
}

async fn exchange(request: reqwest::RequestBuilder, url: &Url) -> Result<Reply, Error> {
    let sent = request.header(ACCEPT, HeaderValue::from_static("application/json")).send().await;
    let mut response = sent.map_err(|error| fault::before_answer(&error, url))?;
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    check_head(status, &headers)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| fault::in_answer(&error, status))? {
        if body.len() + chunk.len() > LONGEST_BODY {
            let message = format!("the answer is longer than {LONGEST_BODY} bytes");
            return Err(Error::new(ErrorKind::Response, "response_too_large", message).with_status(status));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, headers, body })
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
