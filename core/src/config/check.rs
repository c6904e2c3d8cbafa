//! The rules that options keep. Each error names the option and what to write instead.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::{Host, ParseError, Url};

use super::cache;
use super::credential;
use super::grants;
use super::possession;
use super::read::wrong;
use super::{AuthMethod, BasicEncoding, Config, Endpoint, OneOrMany, Options};
use crate::error::Error;
use crate::provider::{self, Profile};
use crate::request::Target;
use crate::secret::Secret;
use crate::source::Source;

/// Less than a millisecond is a mistake too, or rounds to nothing.
const SHORTEST: f64 = 0.001;
/// Longer waits than an hour are a mistake in the unit.
const LONGEST_TIMEOUT: f64 = 3600.0;
/// RFC 6749 sets no limit; ten years is beyond any token.
const LONGEST_LIFETIME: f64 = 315_360_000.0;

pub(super) fn check(mut options: Options) -> Result<Config, Error> {
    let client_id = client_id(options.client_id.clone())?;
    let endpoint = endpoint(options.issuer.as_deref(), options.token_endpoint.as_deref())?;
    let profile = profile(options.provider.as_deref())?;
    let (grant_type, grant) = grants::check(&options, profile)?;
    let auth_method = credential::auth_method(&options, grant, profile)?;
    credential::check(&options, auth_method, grant, profile)?;
    let dpop = possession::prover(&options)?.map(Arc::new);
    credential::certificate(&options, endpoint.url())?;
    let basic_encoding =
        basic_encoding(options.basic_encoding.unwrap_or(profile.basic_encoding), auth_method, &client_id)?;
    // For a shared store too.
    options.tls_ca_file = ca_file(options.tls_ca_file.take())?;
    let cache = cache::check(&options)?;
    let lifetime = f64::from(profile.default_lifetime.unwrap_or(300));
    Ok(Config {
        revocation_endpoint: kept(beside(&endpoint, "revocation_endpoint", options.revocation_endpoint)?),
        introspection_endpoint: kept(beside(&endpoint, "introspection_endpoint", options.introspection_endpoint)?),
        proxy: proxy(options.proxy, endpoint.url())?,
        tls_client_certificate: kept(options.tls_client_certificate.filter(Source::is_given)),
        tls_client_key: kept(options.tls_client_key.filter(Source::is_given)),
        tls_ca_file: options.tls_ca_file.map(Arc::from),
        connect_timeout: seconds("connect_timeout", options.connect_timeout, 5.0, LONGEST_TIMEOUT)?,
        timeout: seconds("timeout", options.timeout, 10.0, LONGEST_TIMEOUT)?,
        target: Arc::new(Target {
            scope: options.scope.map_or(Ok(Vec::new()), check_scope)?,
            audience: options.audience.map_or(Ok(Vec::new()), check_audience)?,
            resource: options.resource.map_or(Ok(Vec::new()), check_resource)?,
        }),
        authorization_details: grants::details(options.authorization_details)?,
        extra_parameters: extra_parameters(options.extra_parameters.unwrap_or_default(), profile)?,
        refresh_at: refresh_at(options.refresh_at)?,
        leeway: leeway(options.leeway)?,
        default_lifetime: seconds("default_lifetime", options.default_lifetime, lifetime, LONGEST_LIFETIME)?,
        cache,
        cache_key: kept(options.cache_key),
        require_private_files: options.require_private_files.unwrap_or(false),
        require_scope: options.require_scope.unwrap_or(false),
        client_secret: kept(options.client_secret),
        private_key: kept(options.private_key),
        private_key_id: options.private_key_id,
        client_assertion: kept(options.client_assertion),
        signer: kept(options.signer),
        signing_alg: options.token_endpoint_auth_signing_alg,
        assertion_audience: options.assertion_audience,
        grant_type,
        grant,
        assertion_subject: options.assertion_subject,
        subject_token: kept(options.subject_token.filter(Source::is_given)),
        subject_token_type: options.subject_token_type,
        actor_token: kept(options.actor_token.filter(Source::is_given)),
        actor_token_type: options.actor_token_type,
        assertion_type_header: options.assertion_type_header.or(profile.assertion_typ.map(Into::into)),
        client_id,
        endpoint,
        profile,
        auth_method,
        basic_encoding,
        dpop,
    })
}

pub(super) fn missing(name: &str, what: &str) -> Error {
    let variable = name.to_ascii_uppercase();
    Error::config(
        "option_missing",
        format!("`{name}` is missing: give {what}, or set TOKENWELL_{variable} and use from_env"),
    )
}

/// What few clients have takes its place apart from the others: a process can have thousands of clients.
fn kept<T>(option: Option<T>) -> Option<Box<T>> {
    option.map(Box::new)
}

fn profile(name: Option<&str>) -> Result<&'static Profile, Error> {
    let Some(name) = name else { return Ok(&provider::STANDARD) };
    provider::find(name).ok_or_else(|| {
        let shown = crate::secret::clean_name(name);
        let message = format!(
            "`provider` \"{shown}\" is not known: choose one of {}, or leave it out",
            provider::names().join(", ")
        );
        Error::config("option_invalid", message)
    })
}

fn client_id(id: Option<String>) -> Result<String, Error> {
    let id = id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| missing("client_id", "the client identifier that your provider issued"))?;
    no_control_characters("client_id", &id)?;
    Ok(id)
}

fn basic_encoding(encoding: BasicEncoding, method: AuthMethod, client_id: &str) -> Result<BasicEncoding, Error> {
    if method == AuthMethod::ClientSecretBasic && encoding == BasicEncoding::Raw && client_id.contains(':') {
        let message = "`client_id` contains a colon, which `basic_encoding` \"raw\" cannot carry (RFC 7617 section 2): use \"form\"";
        return Err(Error::config("option_conflict", message));
    }
    Ok(encoding)
}

/// NUL, CR, LF and their kind have no place in a credential: they arrive by accident (a file read with its newline).
pub(super) fn no_control_characters(name: &str, text: &str) -> Result<(), Error> {
    match text.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(c) => {
            let message = format!("`{name}` contains the control character U+{:04X}: remove it", c as u32);
            Err(Error::config("option_invalid", message))
        }
    }
}

/// One of the two, not both.
fn endpoint(issuer: Option<&str>, token_endpoint: Option<&str>) -> Result<Endpoint, Error> {
    match (issuer.filter(|text| !text.is_empty()), token_endpoint.filter(|text| !text.is_empty())) {
        (Some(_), Some(_)) => {
            let message = "`issuer` and `token_endpoint` are both given: give one of them, `issuer` for discovery (RFC 8414) or `token_endpoint` for a fixed URL";
            Err(Error::config("option_conflict", message))
        }
        (None, Some(text)) => url("token_endpoint", text).map(Endpoint::Token),
        (Some(exact), None) => {
            let url = url("issuer", exact)?;
            if url.path().contains("/.well-known/") {
                let message = "`issuer` is the address of its metadata: give what stands before \"/.well-known/\"";
                return Err(Error::config("option_invalid", message));
            }
            // Discovered endpoints are always https and of the issuer's origin, so an http issuer could not work.
            if url.scheme() != "https" || url.query().is_some() {
                let message = "`issuer` must be an https:// URL without query (RFC 8414 section 2); for http on this machine use `token_endpoint`";
                return Err(Error::config("insecure_endpoint", message));
            }
            Ok(Endpoint::Issuer { exact: exact.to_owned(), url })
        }
        (None, None) => {
            let what = "the URL of your provider's token endpoint, or `issuer` for discovery (RFC 8414)";
            Err(missing("token_endpoint", what))
        }
    }
}

/// Another endpoint of the same server. Of the same scheme: what is set up for https, a proxy, a certificate, is for all.
fn beside(endpoint: &Endpoint, name: &str, text: Option<String>) -> Result<Option<Url>, Error> {
    let Some(text) = text else { return Ok(None) };
    let url = url(name, &text)?;
    if url.scheme() != endpoint.url().scheme() {
        let message =
            format!("`{name}` is {}://, and `token_endpoint` or `issuer` is not: give both as https://", url.scheme());
        return Err(Error::config("option_conflict", message));
    }
    Ok(Some(url))
}

fn url(name: &str, text: &str) -> Result<Url, Error> {
    // A URL parser drops line ends and encodes NUL, which hides that something went wrong before.
    no_control_characters(name, text)?;
    let url = parsed(name, text)?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(wrong(name));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        let message = format!(
            "`{name}` is http://, which would send the credential in clear: use https:// (http:// is allowed for localhost, 127.0.0.0/8 and [::1] only)"
        );
        return Err(Error::config("insecure_endpoint", message));
    }
    let in_query = url.query_pairs().any(|(name, _)| CREDENTIALS.contains(&name.to_ascii_lowercase().as_str()));
    if in_query || !url.username().is_empty() || url.password().is_some() {
        let message = format!("`{name}` contains a credential: give it as `client_id` and `client_secret` instead");
        return Err(Error::config("option_invalid", message));
    }
    if url.fragment().is_some() {
        let message = format!("`{name}` has a fragment (RFC 6749 section 3.2 forbids it): remove the part from `#`");
        return Err(Error::config("option_invalid", message));
    }
    Ok(url)
}

/// The packages hold no tables of Unicode for the sake of host names (Cargo.lock names an `idna_adapter` without them): 150 KB.
fn parsed(name: &str, text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|error| match error {
        ParseError::IdnaError => {
            let message = format!(
                "`{name}` has a host that is no name in ASCII: write it as the DNS has it, for example \"xn--bcher-kva.example\""
            );
            Error::config("option_invalid", message)
        }
        _ => wrong(name),
    })
}

/// `localhost` or a literal loopback address; no other name, since a name can point anywhere.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn proxy(text: Option<Secret>, endpoint: &Url) -> Result<Option<Secret>, Error> {
    let Some(text) = text else { return Ok(None) };
    no_control_characters("proxy", text.expose())?;
    let url = parsed("proxy", text.expose())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("proxy"));
    }
    if endpoint.scheme() == "http" {
        let message = "`proxy` with an http:// `token_endpoint` would show the credential to the proxy: remove `proxy` or use https://";
        return Err(Error::config("option_conflict", message));
    }
    Ok(Some(text))
}

/// Looked into here, so that a wrong path fails before any network use; all of it is read when a connection needs it.
fn ca_file(path: Option<PathBuf>) -> Result<Option<PathBuf>, Error> {
    let Some(path) = path else { return Ok(None) };
    // Beside certificates there may be a key: not to be shown.
    if path.to_string_lossy().contains("-----BEGIN ") {
        let message = "`tls_ca_file` is PEM text: write it into a file, and give the file's path";
        return Err(Error::config("option_invalid", message));
    }
    // As a secret's file: a change of the working directory does not make it another file under the same name.
    let path = std::path::absolute(&path).unwrap_or(path);
    crate::transport::check_ca_file(&path)?;
    Ok(Some(path))
}

fn seconds(name: &str, value: Option<f64>, default: f64, longest: f64) -> Result<Duration, Error> {
    let value = value.unwrap_or(default);
    if !(value >= SHORTEST && value <= longest) {
        return Err(wrong(name));
    }
    Ok(Duration::from_secs_f64(value))
}

fn refresh_at(value: Option<f64>) -> Result<f64, Error> {
    let value = value.unwrap_or(0.75);
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err(wrong("refresh_at")) }
}

fn leeway(value: Option<f64>) -> Result<Option<Duration>, Error> {
    match value {
        None => Ok(None),
        Some(value) if (0.0..=LONGEST_LIFETIME).contains(&value) => Ok(Some(Duration::from_secs_f64(value))),
        Some(_) => Err(wrong("leeway")),
    }
}

/// Splits at spaces; each part must be a scope-token (RFC 6749 section 3.3; letters beyond ASCII are let through).
pub(crate) fn check_scope(scope: OneOrMany) -> Result<Vec<String>, Error> {
    let mut words: Vec<String> = scope
        .into_vec()
        .iter()
        .flat_map(|text| text.split(' '))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.shrink_to_fit();
    match words.iter().flat_map(|word| word.chars()).find(|c| c.is_control() || matches!(c, '"' | '\\')) {
        None => Ok(words),
        Some(c) => {
            let message = format!(
                "`scope` contains the character U+{:04X}, which RFC 6749 section 3.3 does not allow: remove it",
                c as u32
            );
            Err(Error::config("option_invalid", message))
        }
    }
}

pub(crate) fn check_audience(audience: OneOrMany) -> Result<Vec<String>, Error> {
    let list = audience.into_vec();
    for text in &list {
        no_control_characters("audience", text)?;
        if text.is_empty() {
            return Err(wrong("audience"));
        }
    }
    Ok(list)
}

/// RFC 8707 section 2: an absolute URI without fragment.
pub(crate) fn check_resource(resource: OneOrMany) -> Result<Vec<String>, Error> {
    let list = resource.into_vec();
    for text in &list {
        no_control_characters("resource", text)?;
        let url = parsed("resource", text)?;
        if url.fragment().is_some() || text.contains(char::is_whitespace) {
            return Err(wrong("resource"));
        }
    }
    Ok(list)
}

/// Parameters that carry a credential, which no URL may.
const CREDENTIALS: [&str; 6] =
    ["client_secret", "client_assertion", "assertion", "access_token", "subject_token", "actor_token"];

/// The parameters that the library sets itself, now or for another authentication method.
const SET_BY_LIBRARY: [&str; 15] = [
    "grant_type",
    "scope",
    "audience",
    "resource",
    "authorization_details",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "assertion",
    "access_token",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
];

fn extra_parameters(map: BTreeMap<String, String>, profile: &Profile) -> Result<Vec<(String, String)>, Error> {
    for (name, value) in &map {
        let shown = crate::secret::clean_name(name);
        let is_set =
            SET_BY_LIBRARY.iter().chain([&profile.audience_parameter]).any(|set| name.eq_ignore_ascii_case(set));
        if is_set || name.to_ascii_lowercase().starts_with("client_") {
            let message =
                format!("`extra_parameters` may not set `{shown}`: it is an option of its own or set by the library");
            return Err(Error::config("option_invalid", message));
        }
        if name.is_empty() || [name, value].iter().any(|text| text.contains(['\r', '\n', '\0'])) {
            let message = format!("`extra_parameters` has an empty name, or CR, LF or NUL in `{shown}`: remove it");
            return Err(Error::config("option_invalid", message));
        }
    }
    Ok(map.into_iter().collect())
}
