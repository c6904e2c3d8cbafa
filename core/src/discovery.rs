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
    token_endpoint: Url,
    auth_methods: Option<Vec<String>>,
    good_until: Moment,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    token_endpoint: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// The URL to post to: as configured, or as the issuer says.
pub(crate) async fn token_endpoint(engine: &Engine, http: &Http, config: &Config) -> Result<Url, Error> {
    let issuer = match &config.endpoint {
        Endpoint::Token(url) => return Ok(url.clone()),
        Endpoint::Issuer { url, .. } => url,
    };
    let shelf = engine.metadata(&(Route::new(config), issuer.to_string()));
    let mut known = shelf.lock().await;
    let metadata = match known.as_ref().filter(|metadata| metadata.good_until > Moment::now()) {
        Some(metadata) => metadata.clone(),
        None => refresh(http, config, issuer, known.as_ref()).await?,
    };
    *known = Some(metadata.clone());
    check_method(config, metadata.auth_methods.as_deref())?;
    Ok(metadata.token_endpoint)
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
            return check(&reply.body, config, issuer);
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

fn check(body: &[u8], config: &Config, issuer: &Url) -> Result<Metadata, Error> {
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
    let token_endpoint = Url::parse(&document.token_endpoint)
        .map_err(|_| fault("metadata_invalid", "the metadata's `token_endpoint` is not a URL"))?;
    let decorated = !token_endpoint.username().is_empty()
        || token_endpoint.password().is_some()
        || token_endpoint.fragment().is_some();
    if decorated {
        return Err(fault(
            "metadata_invalid",
            "the metadata's `token_endpoint` has a credential or a fragment in its URL",
        ));
    }
    if token_endpoint.scheme() != "https" {
        return Err(fault(
            "insecure_endpoint",
            "the metadata's `token_endpoint` is not https: the credential is not sent there",
        ));
    }
    if token_endpoint.origin() != issuer.origin() {
        let origin = token_endpoint.origin().ascii_serialization();
        let message = format!(
            "the metadata's `token_endpoint` is at another origin ({origin}) than `issuer`: the credential is not sent there"
        );
        return Err(fault("foreign_endpoint", message)
            .with_hint("if that is right, give it as `token_endpoint` instead of `issuer`"));
    }
    Ok(Metadata {
        token_endpoint,
        auth_methods: document.token_endpoint_auth_methods_supported,
        good_until: Moment::now().after(KEPT),
    })
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
