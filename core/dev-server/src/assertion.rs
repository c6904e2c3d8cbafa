//! Client authentication by a signed JWT (RFC 7523, 2.2 and 3, with its update of the audience).

use ring::hmac;
use serde::Deserialize;
use serde_json::Value;

use crate::client_auth::AuthMethod;
use crate::form::Form;
use crate::grants::Granted;
use crate::jose::jws::Jws;
use crate::realm::Realm;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion may be good, in seconds.
const LIFETIME: f64 = 60.0;
/// How far its end may exceed that: clocks, and the time on the way.
const TOLERANCE: f64 = 5.0;
/// How far ahead `iat` and `nbf` may lie.
const AHEAD: f64 = 5.0;
/// How far back `iat` and `nbf` may lie.
const BACK: f64 = 60.0;
/// How long a grant may be good, and how far back it may begin.
const GRANT_LIFETIME: f64 = 3600.0;
const LONGEST_JTI: usize = 512;

/// The claims that count; a repeated one is a mistake.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    jti: Option<Value>,
    scope: Option<Value>,
}

/// Checks a client assertion; the reason where it is refused.
pub(crate) fn check(realm: &Realm, form: &Form, assertion: &str) -> Result<(), &'static str> {
    if form.get("client_assertion_type") != Some(TYPE) {
        return Err("client_assertion_type is not that of a JWT");
    }
    let jws = Jws::parse(assertion)?;
    check_signature(realm, &jws)?;
    let claims: Claims = jws.claims()?;
    let client = &realm.settings.client_id;
    if !is_text(claims.iss.as_ref(), client) {
        return Err("iss is not the client_id");
    }
    if !is_text(claims.sub.as_ref(), client) {
        return Err("sub is not the client_id");
    }
    if form.get("client_id").is_some_and(|id| id != client) {
        return Err("client_id is not the sub of the assertion");
    }
    check_audience(realm, claims.aud.as_ref())?;
    check_times(realm.now(), &claims, LIFETIME, BACK)?;
    let jti = claims.jti.as_ref().and_then(Value::as_str).filter(|jti| !jti.is_empty()).ok_or("jti is missing")?;
    if jti.len() > LONGEST_JTI {
        return Err("jti is too long");
    }
    // The last check, so that an assertion which was refused has not been used.
    if realm.first_use("assertion", jti) { Ok(()) } else { Err("the jti was used before") }
}

/// Checks a JWT that is the grant itself (RFC 7523, 2.1), as Google's service accounts make it: signed by the client's
/// key, `sub` and `jti` optional, an hour at most; the reason where it is refused.
pub(crate) fn check_grant(realm: &Realm, assertion: &str) -> Result<Granted, &'static str> {
    let client = &realm.settings.client_id;
    let jws = Jws::parse(assertion)?;
    if jws.header.typ.as_deref().is_some_and(|typ| typ != "JWT") {
        return Err("the header typ is not JWT");
    }
    jws.verify(&realm.client_keys)?;
    let claims: Claims = jws.claims()?;
    if !is_text(claims.iss.as_ref(), client) {
        return Err("iss is not the client_id");
    }
    let endpoints = ["token_endpoint", "https_token_endpoint", "mtls_token_endpoint"].map(|name| realm.var(name));
    if !endpoints.iter().any(|endpoint| is_text(claims.aud.as_ref(), endpoint))
        || realm.settings.assertion_audience.is_some()
    {
        check_audience(realm, claims.aud.as_ref())?;
    }
    check_times(realm.now(), &claims, GRANT_LIFETIME, GRANT_LIFETIME)?;
    let text = |claim: Option<Value>| match claim {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err("sub, scope and jti are texts"),
    };
    if let Some(jti) = text(claims.jti)?
        && !realm.first_use("grant", &jti)
    {
        return Err("the jti was used before");
    }
    let subject = text(claims.sub)?.unwrap_or_else(|| client.clone());
    Ok(Granted { subject, scope: text(claims.scope)?, ..Granted::default() })
}

fn check_signature(realm: &Realm, jws: &Jws<'_>) -> Result<(), &'static str> {
    let settings = &realm.settings;
    let alg = jws.header.alg.as_str();
    let symmetric = alg.starts_with("HS");
    let method = if symmetric { AuthMethod::SecretJwt } else { AuthMethod::PrivateKeyJwt };
    if alg.eq_ignore_ascii_case("none") {
        return Err("the algorithm none is never allowed");
    }
    if !settings.auth_methods.contains(&method) {
        return Err(if symmetric {
            "a MAC by the client secret (client_secret_jwt) is not allowed for this client"
        } else {
            "a signature by a private key (private_key_jwt) is not allowed for this client"
        });
    }
    if settings.token_endpoint_auth_signing_alg.as_ref().is_some_and(|only| only != alg) {
        return Err("the algorithm is not that of this client");
    }
    let typ = &settings.assertion_type;
    if typ.is_some() && *typ != jws.header.typ {
        return Err("the header typ is not that of a client assertion");
    }
    match alg {
        "HS256" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, settings.client_secret.as_bytes());
            hmac::verify(&key, jws.signed, &jws.signature).map_err(|_| "the MAC is wrong")
        }
        _ if symmetric => Err("of the MACs only HS256 is supported"),
        _ => jws.verify(&realm.client_keys),
    }
}

fn check_audience(realm: &Realm, audience: Option<&Value>) -> Result<(), &'static str> {
    let audience = match audience {
        Some(Value::String(audience)) => audience.as_str(),
        Some(_) => return Err("aud is not a JSON string"),
        None => return Err("aud is missing"),
    };
    match &realm.settings.assertion_audience {
        Some(only) if only == audience => Ok(()),
        Some(_) => Err("aud is not the audience that this client is to use"),
        None if [realm.var("issuer"), realm.var("https_issuer")].contains(&audience) => Ok(()),
        None => Err("aud is not the issuer"),
    }
}

fn check_times(now: f64, claims: &Claims, lifetime: f64, back: f64) -> Result<(), &'static str> {
    let end = number(claims.exp.as_ref())?.ok_or("exp is missing")?;
    if end <= now {
        return Err("exp is past");
    }
    if end > now + lifetime + TOLERANCE {
        return Err(if lifetime == LIFETIME {
            "exp is more than 60 seconds ahead"
        } else {
            "exp is more than an hour ahead"
        });
    }
    for claim in [&claims.nbf, &claims.iat] {
        let Some(time) = number(claim.as_ref())? else {
            continue;
        };
        if time > now + AHEAD {
            return Err("nbf or iat is in the future");
        }
        if time < now - back {
            return Err("nbf or iat is too long ago");
        }
    }
    Ok(())
}

fn is_text(claim: Option<&Value>, text: &str) -> bool {
    claim.and_then(Value::as_str) == Some(text)
}

/// A time in seconds; one that is there and is no number is a mistake.
fn number(claim: Option<&Value>) -> Result<Option<f64>, &'static str> {
    claim.map(|value| value.as_f64().ok_or("exp, nbf and iat are numbers")).transpose()
}
