//! Assertions (RFC 7521, RFC 7523): a signed JWT in place of the secret, or as the grant.

use serde_json::{Map, Value, json};

use super::{Attempt, Outgoing};
use crate::config::{AuthMethod, Config};
use crate::credential::Credential;
use crate::error::Error;
use crate::jwt;
use crate::signer::ExternalKey;

/// RFC 7523 section 2.2.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The header `typ` of a client's assertion tells it from other JWTs (RFC 8725 section 3.11).
pub(super) const CLIENT_AUTHENTICATION: &str = "client-authentication+jwt";
/// Seconds that an assertion is good for, from now.
const LIFE: i64 = 55;
/// Seconds that `iat` and `nbf` lie back, for servers whose clock is a little behind.
const BACKDATED: i64 = 5;

/// Puts a ready assertion into the form.
pub(super) fn attach(config: &Config, assertion: &str, outgoing: &mut Outgoing) {
    outgoing.form.add("client_id", &config.client_id);
    outgoing.form.add("client_assertion_type", TYPE);
    outgoing.form.add("client_assertion", assertion);
}

/// The claims of a client that authenticates itself (RFC 7523 section 3): it is its own subject.
pub(super) fn of_client(config: &Config) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), config.client_id.as_str().into());
    claims
}

/// Makes an assertion that `private_key` signs.
pub(crate) fn by_key(
    config: &Config,
    credential: &Credential,
    attempt: Attempt<'_>,
    typ: &str,
    claims: Map<String, Value>,
) -> Result<String, Error> {
    let key = credential.private_key(config)?;
    // Beside a JWT by the secret or by a key elsewhere, the option is that one's.
    let of_another = config.auth_method == AuthMethod::ClientSecretJwt || config.signer.is_some();
    let wanted = config.signing_alg.as_deref().filter(|_| !of_another);
    let algorithm = match (wanted, config.profile.signing_alg) {
        (None, Some(usual)) => key.algorithm(Some(usual)).or_else(|_| key.algorithm(None))?,
        _ => key.algorithm(wanted)?,
    };
    let mut header = header(config, algorithm.name, typ);
    if let Some(id) = config.private_key_id.as_deref().or(key.id.as_deref()) {
        header["kid"] = id.into();
    }
    if let Some(thumbprint) = &key.thumbprint {
        header["x5t#S256"] = thumbprint.as_str().into();
    }
    make(config, attempt, &header, claims, |message| key.sign(algorithm, message))
}

/// Makes a client's assertion with a key that lies elsewhere.
pub(super) async fn by_signer(config: &Config, signer: &ExternalKey, attempt: Attempt<'_>) -> Result<String, Error> {
    let mut header = header(config, signer.algorithm.name, CLIENT_AUTHENTICATION);
    if let Some(id) = config.private_key_id.as_deref() {
        header["kid"] = id.into();
    }
    let message = jwt::message(&header, &completed(config, attempt, of_client(config))?);
    let signature = signer.sign(message.clone().into_bytes()).await?;
    Ok(jwt::compact(&message, &signature))
}

/// Makes an assertion.
pub(super) fn make(
    config: &Config,
    attempt: Attempt<'_>,
    header: &Value,
    claims: Map<String, Value>,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
) -> Result<String, Error> {
    jwt::signed(header, &completed(config, attempt, claims)?, sign)
}

/// The claims that every assertion has: a fresh `jti` each time, `aud` a string (RFC 7523 as updated in 2025), at most 60 s of life.
fn completed(config: &Config, attempt: Attempt<'_>, claims: Map<String, Value>) -> Result<Value, Error> {
    let now = jwt::now(attempt.clock_offset);
    let endpoint = config.profile.assertion_for_endpoint.then(|| attempt.endpoint.as_str());
    let mut claims = Value::Object(claims);
    claims["iss"] = config.client_id.as_str().into();
    claims["aud"] = json!(config.assertion_audience.as_deref().or(endpoint).or(config.issuer()));
    claims["jti"] = jwt::fresh_id()?.into();
    claims["iat"] = (now - BACKDATED).into();
    claims["nbf"] = (now - BACKDATED).into();
    claims["exp"] = (now + LIFE).into();
    Ok(claims)
}

/// The header of an assertion.
pub(super) fn header(config: &Config, algorithm: &str, typ: &str) -> Value {
    json!({"alg": algorithm, "typ": config.assertion_type_header.as_deref().unwrap_or(typ)})
}
