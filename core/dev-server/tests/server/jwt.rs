//! Signed JWTs as clients make them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use ring::{hmac, rand};
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

pub fn sha256(text: impl AsRef<[u8]>) -> String {
    encode(digest(&SHA256, text.as_ref()))
}

/// Eight random bytes as text.
pub fn random() -> String {
    encode(rand::generate::<[u8; 8]>(&SystemRandom::new()).unwrap().expose())
}

/// The claims of a JWT, unchecked.
pub fn claims(jwt: &str) -> Value {
    serde_json::from_slice(&decode(jwt.split('.').nth(1).unwrap())).unwrap()
}

fn signature(alg: &str, key: &str, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let pkcs8 = || PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).unwrap().secret_pkcs8_der().to_vec();
    let rsa = |padding: &'static dyn signature::RsaEncoding| {
        let pair = RsaKeyPair::from_pkcs8(&pkcs8()).unwrap();
        let mut signed = vec![0; pair.public().modulus_len()];
        pair.sign(padding, &random, message, &mut signed).unwrap();
        signed
    };
    let ec = |algorithm| {
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8(), &random).unwrap();
        pair.sign(&random, message).unwrap().as_ref().to_vec()
    };
    let mac = |algorithm| hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), message).as_ref().to_vec();
    match alg {
        "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
        "PS256" => rsa(&signature::RSA_PSS_SHA256),
        "ES256" => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        "ES384" => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        "EdDSA" => Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8()).unwrap().sign(message).as_ref().to_vec(),
        "HS256" => mac(hmac::HMAC_SHA256),
        "HS512" => mac(hmac::HMAC_SHA512),
        _ => Vec::new(),
    }
}

/// A JWT of this header, signed as `alg` says, whatever the header says.
pub fn sign_as(alg: &str, key: &str, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = signature(alg, key, signed.as_bytes());
    format!("{signed}.{}", encode(signature))
}

pub fn sign(key: &str, header: &Value, claims: &Value) -> String {
    sign_as(header["alg"].as_str().unwrap(), key, header, claims)
}

/// The changes as in a JSON merge patch: null removes.
pub fn patched(base: &Value, changes: &Value) -> Value {
    let mut patched = base.clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            patched.as_object_mut().unwrap().remove(name);
        } else {
            patched[name] = value.clone();
        }
    }
    patched
}

/// The public part of a private JWK in text.
pub fn public_jwk(private: &str) -> Value {
    let mut jwk: Value = serde_json::from_str(private).unwrap();
    jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "crv", "x", "y", "n", "e"].contains(&name.as_str()));
    jwk
}

/// The thumbprint of an EC JWK (RFC 7638).
pub fn thumbprint(jwk: &Value) -> String {
    let [crv, x, y] = ["crv", "x", "y"].map(|name| jwk[name].as_str().unwrap());
    sha256(format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#))
}

/// The header of a client assertion.
pub fn assertion_header(alg: &str) -> Value {
    json!({"alg": alg, "typ": "client-authentication+jwt"})
}
