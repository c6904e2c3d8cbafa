//! One HTTP request, bounded in every direction: TLS, proxy, deadlines, sizes, no redirects. What can go wrong becomes
//! an [`Error`] in `transport/fault.rs`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;

use crate::auth::Outgoing;
use crate::config::{Config, is_loopback};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

mod fault;

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
            ca_version: config.tls_ca_file.as_deref().and_then(version),
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
            .tls_backend_preconfigured(self.tls(system_roots)?);
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy.expose()).map_err(|_| unusable("the proxy"))?),
            None if self.plain => builder.no_proxy(),
            None => builder,
        };
        builder.build().map_err(|_| unusable("the HTTP client"))
    }

    /// TLS 1.2 and 1.3, name and chain always checked. The provider is explicit: a library installs no process default.
    fn tls(&self, system_roots: &dyn Fn() -> Arc<RootCertStore>) -> Result<rustls::ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| unusable("TLS"))?
            .with_root_certificates(self.roots(system_roots)?)
            .with_no_client_auth())
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

/// The operating system's roots, or those that SSL_CERT_FILE and SSL_CERT_DIR name.
pub(crate) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn version(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// No bundle of authorities is larger, bytes.
const LONGEST_CA_FILE: u64 = 8 * 1024 * 1024;

/// Reads a PEM file of certificate authorities.
pub(crate) fn read_ca_file(path: &Path) -> Result<RootCertStore, Error> {
    let unreadable = |why: String| {
        let message = format!(
            "`tls_ca_file` {}: {why}: give the path of a readable PEM file with the CA's certificate",
            path.display()
        );
        Error::config("ca_file_unreadable", message)
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.kind().to_string()))?;
    if !size.is_file() || size.len() > LONGEST_CA_FILE {
        return Err(unreadable("it is not a regular file of at most 8 MiB".to_owned()));
    }
    let pem = std::fs::read(path).map_err(|error| unreadable(error.kind().to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| unreadable("it is not PEM".to_owned()))?;
        roots.add(certificate).map_err(|_| unreadable("a certificate in it cannot be read".to_owned()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("it has no certificate".to_owned()));
    }
    Ok(roots)
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
