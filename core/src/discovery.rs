//! The token endpoint of an issuer, from its metadata: RFC 8414, then OpenID Connect Discovery.
//!
//! A document is read once for all clients of an issuer and kept for an hour. While the server is down the old one goes on.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use crate::clock::Moment;
use crate::config::{AuthMethod, Config, Endpoint};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::transport::{self, Http, Route};

const KEPT: Duration = Duration::from_secs(3600);
/// A refresh that takes longer goes on with the old document.
const REFRESH: Duration = Duration::from_secs(2);
/// After a failed refresh the old document serves so long before the next try.
const PAUSE: Duration = Duration::from_secs(60);

/// The metadata of one issuer; the lock makes all who need it wait for one reading.
pub(crate) type Shelf = Arc<Mutex<Option<Metadata>>>;

/// What is kept of a document.
#[derive(Clone)]
pub(crate) struct Metadata {
    document: Document,
    good_until: Moment,
}

#[derive(Clone, Deserialize)]
struct Document {
    issuer: String,
    token_endpoint: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    mtls_endpoint_aliases: Aliases,
}

/// The endpoints for clients with a certificate (RFC 8705 section 5).
#[derive(Clone, Default, Deserialize)]
struct Aliases {
    token_endpoint: Option<String>,
}

/// The URL to post to: as configured, or as the issuer says.
pub(crate) async fn token_endpoint(engine: &Engine, http: &Http, route: &Route, config: &Config) -> Result<Url, Error> {
    let issuer = match &config.endpoint {
        Endpoint::Token(url) => return Ok(url.clone()),
        Endpoint::Issuer { url, .. } => url,
    };
    let shelf = engine.metadata(&(route.clone(), issuer.to_string()));
    let mut known = shelf.lock().await;
    let metadata = match known.as_ref().filter(|metadata| metadata.good_until > Moment::now()) {
        Some(metadata) => metadata.clone(),
        None => refresh(http, config, issuer, known.as_ref()).await?,
    };
    // What is wrong is not kept.
    let url = address(&metadata.document, config, issuer)?;
    let offered = metadata.document.token_endpoint_auth_methods_supported.clone();
    *known = Some(metadata);
    check_method(config, offered.as_deref())?;
    Ok(url)
}

/// A new document. The old one stands in only where the server is out of reach: one that says something wrong is an error.
async fn refresh(http: &Http, config: &Config, issuer: &Url, old: Option<&Metadata>) -> Result<Metadata, Error> {
    let Some(old) = old else { return read(http, config, issuer).await };
    match tokio::time::timeout(REFRESH, read(http, config, issuer)).await {
        Ok(Ok(new)) => Ok(new),
        Ok(Err(error)) if !error.retryable() => Err(error),
        _ => Ok(Metadata { good_until: Moment::now().after(PAUSE), ..old.clone() }),
    }
}

/// The first location that answers 200 decides: what is wrong there is an error, not a reason to look elsewhere.
async fn read(http: &Http, config: &Config, issuer: &Url) -> Result<Metadata, Error> {
    let mut status = 0;
    for url in locations(issuer) {
        let reply = transport::get(http, &url).await?;
        if reply.status == 200 {
            return check(&reply.body, config);
        }
        status = reply.status;
    }
    Err(missing(issuer, status))
}

fn missing(issuer: &Url, status: u16) -> Error {
    fault("metadata_missing", format!("no metadata under `issuer` {issuer} (status {status})"))
        .with_hint("check `issuer`, or give `token_endpoint` instead")
        .with_status(status)
}

/// RFC 8414 section 3.1 puts the well-known part before the issuer's path, OpenID Connect behind it.
fn locations(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    let with_path = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    [
        with_path(format!("/.well-known/oauth-authorization-server{path}")),
        with_path(format!("{path}/.well-known/openid-configuration")),
    ]
}

fn fault(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Response, code, message)
}

fn check(body: &[u8], config: &Config) -> Result<Metadata, Error> {
    let document: Document = serde_json::from_slice(body).map_err(|_| {
        fault(
            "metadata_invalid",
            "the issuer's metadata is not JSON with `issuer` and `token_endpoint` (RFC 8414 section 2)",
        )
    })?;
    // Compared as text, as RFC 8414 section 3.3 asks: a slash more is another issuer.
    if Some(document.issuer.as_str()) != config.issuer() {
        let shown = crate::secret::clean(&document.issuer, 200, &[]);
        let message = format!("the metadata is of the issuer {shown}, not of the configured `issuer`");
        return Err(fault("issuer_mismatch", message)
            .with_hint("write `issuer` exactly as the metadata names it, if it is the right one"));
    }
    Ok(Metadata { document, good_until: Moment::now().after(KEPT) })
}

/// The endpoint that the document names to this client: with a certificate the alias, if there is one (RFC 8705 section 5).
fn address(document: &Document, config: &Config, issuer: &Url) -> Result<Url, Error> {
    let alias = document.mtls_endpoint_aliases.token_endpoint.as_deref().filter(|_| config.has_certificate());
    let name = if alias.is_some() { "mtls_endpoint_aliases.token_endpoint" } else { "token_endpoint" };
    let url = Url::parse(alias.unwrap_or(&document.token_endpoint))
        .map_err(|_| fault("metadata_invalid", format!("the metadata's `{name}` is not a URL")))?;
    let decorated = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
    if decorated {
        let message = format!("the metadata's `{name}` has a credential or a fragment in its URL");
        return Err(fault("metadata_invalid", message));
    }
    if url.scheme() != "https" {
        let message = format!("the metadata's `{name}` is not https: the credential is not sent there");
        return Err(fault("insecure_endpoint", message));
    }
    if url.origin() != issuer.origin() && !(alias.is_some() && may_differ(config, issuer, &url)) {
        let origin = url.origin().ascii_serialization();
        let message = format!(
            "the metadata's `{name}` is at another origin ({origin}) than `issuer`: the credential is not sent there"
        );
        return Err(fault("foreign_endpoint", message)
            .with_hint("if that is right, give it as `token_endpoint` instead of `issuer`"));
    }
    Ok(url)
}

/// Where an alias may be. Servers ask for certificates at another port or another host than the rest. Another port of the
/// issuer's host proves itself by the same name in its certificate. Another host gets nothing that it could use: the proof
/// that the client has its key is good on that one connection alone, so what may go there is a request without any other.
fn may_differ(config: &Config, issuer: &Url, alias: &Url) -> bool {
    alias.host() == issuer.host() || !config.sends_credential()
}

/// A method is chosen by the options alone, never found out by trying. RFC 8414 section 2: no list means Basic.
fn check_method(config: &Config, offered: Option<&[String]>) -> Result<(), Error> {
    let Some(offered) = offered else { return Ok(()) };
    let chosen = config.auth_method.as_str();
    // A public client needs no method, and many lists leave `none` out.
    if config.auth_method == AuthMethod::None || offered.iter().any(|method| method == chosen) {
        return Ok(());
    }
    let offered = crate::secret::clean(&offered.join(", "), 300, &[]);
    let message = format!(
        "`token_endpoint_auth_method` is {chosen}, but the issuer's metadata offers {offered}: choose one of these"
    );
    Err(Error::config("auth_method_not_offered", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_part_goes_before_the_path_and_behind_it() {
        let issuer = Url::parse("https://a.example/tenant/one").unwrap();
        let [oauth, openid] = locations(&issuer).map(String::from);
        assert_eq!(oauth, "https://a.example/.well-known/oauth-authorization-server/tenant/one");
        assert_eq!(openid, "https://a.example/tenant/one/.well-known/openid-configuration");
    }
}
