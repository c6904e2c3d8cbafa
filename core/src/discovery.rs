//! The endpoints of an issuer, from its metadata: RFC 8414, then OpenID Connect Discovery.
//!
//! A document is read once for all clients of an issuer and kept for an hour. While the server is down the old one goes on.

use std::borrow::Cow;
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
    revocation_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    mtls_endpoint_aliases: Aliases,
}

/// The endpoints for clients with a certificate (RFC 8705 section 5).
#[derive(Clone, Default, Deserialize)]
struct Aliases {
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
}

/// What is asked for at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Token,
    Revocation,
    Introspection,
}

impl Service {
    /// The name in the metadata (RFC 8414 section 2), which is that of the option too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Token => "token_endpoint",
            Service::Revocation => "revocation_endpoint",
            Service::Introspection => "introspection_endpoint",
        }
    }

    fn configured(self, config: &Config) -> Option<&Url> {
        match (self, &config.endpoint) {
            (Service::Token, Endpoint::Token(url)) => Some(url),
            (Service::Token, Endpoint::Issuer { .. }) => None,
            (Service::Revocation, _) => config.revocation_endpoint.as_deref(),
            (Service::Introspection, _) => config.introspection_endpoint.as_deref(),
        }
    }

    fn of(self, document: &Document) -> Option<&str> {
        match self {
            Service::Token => Some(&document.token_endpoint),
            Service::Revocation => document.revocation_endpoint.as_deref(),
            Service::Introspection => document.introspection_endpoint.as_deref(),
        }
    }

    fn alias(self, aliases: &Aliases) -> Option<&str> {
        match self {
            Service::Token => aliases.token_endpoint.as_deref(),
            Service::Revocation => aliases.revocation_endpoint.as_deref(),
            Service::Introspection => aliases.introspection_endpoint.as_deref(),
        }
    }

    fn unknown(self, why: &str) -> Error {
        let message = format!("`{}` is missing{why}: give its URL, if the server has one", self.name());
        Error::config("option_missing", message)
    }
}

/// The URL to post to: as configured, or as the issuer says.
pub(crate) async fn endpoint<'a>(
    engine: &Engine,
    http: &Arc<Http>,
    route: &Route,
    config: &'a Config,
    service: Service,
) -> Result<Cow<'a, Url>, Error> {
    if let Some(url) = service.configured(config) {
        return Ok(Cow::Borrowed(url));
    }
    let Endpoint::Issuer { url: issuer, .. } = &config.endpoint else { return Err(service.unknown("")) };
    let shelf = engine.metadata(&(route.clone(), issuer.to_string()));
    let mut known = shelf.lock().await;
    let metadata = match known.as_ref().filter(|metadata| metadata.good_until > Moment::now()) {
        Some(metadata) => metadata.clone(),
        None => Box::pin(refresh(http, config, issuer, known.as_ref())).await?,
    };
    // What is wrong is not kept.
    let url = address(&metadata.document, config, issuer, service)?;
    let offered = metadata.document.token_endpoint_auth_methods_supported.clone();
    *known = Some(metadata);
    check_method(config, offered.as_deref())?;
    Ok(Cow::Owned(url))
}

/// A new document. The old one stands in only where the server is out of reach: one that says something wrong is an error.
async fn refresh(http: &Arc<Http>, config: &Config, issuer: &Url, old: Option<&Metadata>) -> Result<Metadata, Error> {
    let Some(old) = old else { return read(http, config, issuer).await };
    match tokio::time::timeout(REFRESH, read(http, config, issuer)).await {
        Ok(Ok(new)) => Ok(new),
        Ok(Err(error)) if !error.retryable() => Err(error),
        _ => Ok(Metadata { good_until: Moment::now().after(PAUSE), ..old.clone() }),
    }
}

/// The first location that answers 200 decides: what is wrong there is an error, not a reason to look elsewhere.
async fn read(http: &Arc<Http>, config: &Config, issuer: &Url) -> Result<Metadata, Error> {
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

/// The endpoints that a document names.
#[cfg(any(fuzzing, test))]
pub(crate) fn endpoints(body: &[u8], config: &Config) -> [Result<Url, Error>; 3] {
    [Service::Token, Service::Revocation, Service::Introspection].map(|service| {
        let document = check(body, config)?.document;
        check_method(config, document.token_endpoint_auth_methods_supported.as_deref())?;
        address(&document, config, config.endpoint.url(), service)
    })
}

/// The endpoint that the document names to this client: with a certificate the alias, if there is one (RFC 8705 section 5).
fn address(document: &Document, config: &Config, issuer: &Url, service: Service) -> Result<Url, Error> {
    let aliases = &document.mtls_endpoint_aliases;
    let alias = service.alias(aliases).filter(|_| config.has_certificate());
    let name = format!("{}{}", if alias.is_some() { "mtls_endpoint_aliases." } else { "" }, service.name());
    let text = alias.or_else(|| service.of(document));
    let text = text.ok_or_else(|| service.unknown(", and the issuer's metadata does not name it"))?;
    let url =
        Url::parse(text).map_err(|_| fault("metadata_invalid", format!("the metadata's `{name}` is not a URL")))?;
    let decorated = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
    if decorated {
        let message = format!("the metadata's `{name}` has a credential or a fragment in its URL");
        return Err(fault("metadata_invalid", message));
    }
    if url.scheme() != "https" {
        let message = format!("the metadata's `{name}` is not https: the credential is not sent there");
        return Err(fault("insecure_endpoint", message));
    }
    if url.origin() != issuer.origin() && !(alias.is_some() && may_differ(config, issuer, aliases, service, &url)) {
        let origin = url.origin().ascii_serialization();
        let message = format!(
            "the metadata's `{name}` is at another origin ({origin}) than `issuer`: the credential is not sent there"
        );
        return Err(fault("foreign_endpoint", message).with_hint(match service {
            Service::Token => "if that is right, give it as `token_endpoint` instead of `issuer`",
            _ => "if that is right, give its URL as an option",
        }));
    }
    Ok(url)
}

/// Where an alias may be. Servers ask for certificates at another port or another host than the rest. Another port of the
/// issuer's host proves itself by the same name in its certificate. Another host gets nothing that it could use: the proof
/// that the client has its key is good on that one connection alone, so what may go there is a request without any other; and
/// a token only where it came from.
fn may_differ(config: &Config, issuer: &Url, aliases: &Aliases, service: Service, alias: &Url) -> bool {
    let issued = || aliases.token_endpoint.as_deref().and_then(|text| Url::parse(text).ok());
    let knows_token = || issued().is_some_and(|issued| issued.origin() == alias.origin());
    alias.host() == issuer.host() || !config.sends_credential() && (service == Service::Token || knows_token())
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
