//! Proof of possession (RFC 9449).

use serde::Deserialize;
use serde_json::Value;

use crate::http::Request;
use crate::jose::jwk::{ALGORITHMS, Key};
use crate::jose::jws::Jws;
use crate::jose::sha256;
use crate::realm::{Realm, random_text};

/// How old a proof may be, in seconds.
const BACK: f64 = 60.0;
/// How far a client's clock may be ahead.
const AHEAD: f64 = 10.0;
/// How long a nonce is good, in seconds of the realm's clock.
const NONCE_LIFETIME: f64 = 300.0;

/// What a realm makes of proofs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// They are not looked at.
    #[default]
    Off,
    Optional,
    Required,
}

/// Why a proof is refused.
#[derive(Debug, PartialEq)]
pub(crate) enum Failure {
    Proof(&'static str),
    /// All is well but the nonce.
    Nonce,
}

impl Failure {
    pub(crate) fn error(&self) -> &'static str {
        match self {
            Failure::Proof(_) => "invalid_dpop_proof",
            Failure::Nonce => "use_dpop_nonce",
        }
    }

    pub(crate) fn description(&self) -> &'static str {
        match self {
            Failure::Proof(reason) => reason,
            Failure::Nonce => "the proof needs the nonce of the header DPoP-Nonce",
        }
    }
}

impl From<&'static str> for Failure {
    fn from(reason: &'static str) -> Failure {
        Failure::Proof(reason)
    }
}

/// The claims that count; a repeated one is a mistake.
#[derive(Debug, Deserialize)]
struct Claims {
    jti: Option<String>,
    htm: Option<String>,
    htu: Option<String>,
    iat: Option<Value>,
    nonce: Option<String>,
    ath: Option<String>,
}

/// Checks the proof of a request, for this access token where it has one.
///
/// Gives the thumbprint of the key, or `None` where there is no proof and none is needed.
pub(crate) fn check(realm: &Realm, request: &Request, token: Option<&str>) -> Result<Option<String>, Failure> {
    let mode = realm.settings.dpop;
    let mut proofs = request.headers_named("dpop");
    let proof = match proofs.next() {
        _ if mode == Mode::Off => return Ok(None),
        None if mode == Mode::Required || token.is_some() => return Err("the header DPoP is missing".into()),
        None => return Ok(None),
        Some(proof) => proof,
    };
    if proofs.next().is_some() {
        return Err("the header DPoP is repeated".into());
    }
    let jws = Jws::parse(proof)?;
    let key = key(&jws)?;
    let claims: Claims = jws.claims()?;
    check_target(request, &claims)?;
    check_time(realm.now(), claims.iat.as_ref())?;
    if let Some(token) = token
        && claims.ath.as_ref() != Some(&sha256(token))
    {
        return Err("ath is not the hash of the access token".into());
    }
    let jti = claims.jti.filter(|jti| !jti.is_empty()).ok_or("jti is missing")?;
    // Before the nonce: the second attempt, with the nonce, must be a new proof.
    if !realm.first_use("proof", &jti) {
        return Err("the jti was used before".into());
    }
    if realm.settings.dpop_nonce && !claims.nonce.is_some_and(|nonce| realm.use_nonce(&nonce)) {
        return Err(Failure::Nonce);
    }
    Ok(Some(key.material.thumbprint()))
}

fn key(jws: &Jws<'_>) -> Result<Key, &'static str> {
    let header = &jws.header;
    if header.typ.as_deref() != Some("dpop+jwt") {
        return Err("the header typ is not dpop+jwt");
    }
    if !ALGORITHMS.contains(&header.alg.as_str()) {
        return Err("the algorithm is not one of dpop_signing_alg_values_supported");
    }
    let jwk = header.jwk.as_ref().ok_or("the header jwk is missing")?;
    let key = Key::from_jwk(jwk).map_err(|_| "jwk is not a public key, or has a private part")?;
    key.verify(&header.alg, jws.signed, &jws.signature)?;
    Ok(key)
}

fn check_target(request: &Request, claims: &Claims) -> Result<(), &'static str> {
    if claims.htm.as_deref() != Some(request.method.as_str()) {
        return Err("htm is not the method of the request");
    }
    let htu = claims.htu.as_deref().ok_or("htu is missing")?;
    if htu.contains(['?', '#']) {
        return Err("htu has a query or a fragment");
    }
    let scheme = if request.peer.https { "https" } else { "http" };
    let host = request.header("host").unwrap_or_default();
    if *htu == format!("{scheme}://{host}{}", request.path) { Ok(()) } else { Err("htu is not the URL of the request") }
}

fn check_time(now: f64, iat: Option<&Value>) -> Result<(), &'static str> {
    let iat = iat.and_then(Value::as_f64).ok_or("iat is missing or no number")?;
    if iat > now + AHEAD {
        Err("iat is in the future")
    } else if iat < now - BACK {
        Err("iat is too long ago")
    } else {
        Ok(())
    }
}

/// The nonces of a realm: a new one after each that was used. The one before stays good for requests on the way.
#[derive(Debug)]
pub(crate) struct Nonces {
    current: String,
    previous: Option<String>,
    since: f64,
}

impl Nonces {
    pub(crate) fn new(now: f64) -> Nonces {
        Nonces { current: random_text(12), previous: None, since: now }
    }

    /// The nonce to use next.
    pub(crate) fn current(&mut self, now: f64) -> String {
        if (now - self.since).abs() > NONCE_LIFETIME {
            *self = Nonces::new(now);
        }
        self.current.clone()
    }

    /// True where this nonce is good.
    pub(crate) fn accept(&mut self, nonce: &str, now: f64) -> bool {
        let known = self.current(now) == nonce || self.previous.as_deref() == Some(nonce);
        if known {
            let next = Nonces::new(now);
            let used = std::mem::replace(self, next);
            self.previous = Some(used.current);
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_rotate_and_age() {
        let mut nonces = Nonces::new(0.0);
        let first = nonces.current(0.0);
        assert!(!nonces.accept("other", 0.0));
        assert!(nonces.accept(&first, 1.0));
        let second = nonces.current(1.0);
        assert_ne!(first, second);
        assert!(nonces.accept(&second, 1.0));
        assert!(nonces.accept(&second, 1.0), "as the one before");
        assert!(!nonces.accept(&first, 1.0));
        let last = nonces.current(1.0);
        assert!(!nonces.accept(&last, 302.0));
        assert_ne!(nonces.current(302.0), last);
    }
}
