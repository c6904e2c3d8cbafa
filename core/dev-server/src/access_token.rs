//! Access tokens as signed JWTs (RFC 9068), and the key that signs them.

use std::fmt::Display;
use std::io;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::Request;
use crate::issued::Grant;
use crate::jose::encode;
use crate::jose::jwk::Material;
use crate::metadata::refuse_method;
use crate::realm::{Realm, random_text};
use crate::response::Response;

/// What an access token looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// Random text.
    #[default]
    Opaque,
    /// A JWT of RFC 9068.
    Jwt,
}

/// The ES256 key of a server.
#[derive(Debug)]
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    kid: String,
    jwk: Value,
}

impl Signer {
    pub(crate) fn new() -> io::Result<Signer> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|error| failed(&error))?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).map_err(|error| failed(&error))?;
        let public = Material::P256(pair.public_key().as_ref().to_vec());
        let kid = public.thumbprint();
        let mut jwk = public.to_jwk();
        for (name, value) in [("kid", kid.as_str()), ("use", "sig"), ("alg", "ES256")] {
            jwk[name] = value.into();
        }
        Ok(Signer { pair, random, kid, jwk })
    }

    fn sign(&self, typ: &str, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "typ": typ, "kid": self.kid}).to_string();
        let signed = format!("{}.{}", encode(header), encode(claims.to_string()));
        let signature = self.pair.sign(&self.random, signed.as_bytes()).expect("a P-256 key signs");
        format!("{signed}.{}", encode(signature))
    }
}

/// The errors of ring are no errors to the standard library.
fn failed(error: &dyn Display) -> io::Error {
    io::Error::other(error.to_string())
}

/// A new JWT for this grant.
pub(crate) fn mint(realm: &Realm, grant: &Grant, issuer: &str) -> String {
    let mut claims = grant.claims(&realm.settings.client_id);
    claims["iss"] = issuer.into();
    claims["jti"] = random_text(12).into();
    if claims.get("aud").is_none() {
        claims["aud"] = realm.var("resource").into();
    }
    realm.signer.sign("at+jwt", &claims)
}

/// The JWK set by which resource servers check the tokens.
pub(crate) fn key_set(realm: &Realm, request: &Request) -> Response {
    refuse_method(request).unwrap_or_else(|| Response::json(200, &json!({"keys": [realm.signer.jwk]})))
}
