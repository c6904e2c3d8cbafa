//! Public keys (RFC 7517, 7518, 8037) and what each may sign.

use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

use super::{decode, encode, sha256, spki};

/// Members that a public key cannot have.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// The asymmetric algorithms.
pub(crate) const ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
const LEAST_RSA_BITS: usize = 2048;

/// The numbers of a key; curve points are uncompressed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A public key, and what is said of it.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) material: Material,
    pub(crate) kid: Option<String>,
    /// The only algorithm that it may be used with, where one is named.
    alg: Option<String>,
    /// The SHA-256 thumbprint of its certificate.
    pub(crate) x5t: Option<String>,
}

impl Material {
    /// The algorithms that a key of this kind can have.
    fn algorithms(&self) -> &'static [&'static str] {
        match self {
            Material::Rsa { .. } => &["RS256", "PS256"],
            Material::P256(_) => &["ES256"],
            Material::P384(_) => &["ES384"],
            Material::Ed25519(_) => &["EdDSA"],
        }
    }

    /// The required members in the order of RFC 7638, as JSON.
    fn canonical(&self) -> String {
        let point = |crv: &str, point: &[u8]| {
            let (x, y) = point[1..].split_at(point.len() / 2);
            format!(r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#, encode(x), encode(y))
        };
        match self {
            Material::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n)),
            Material::P256(bytes) => point("P-256", bytes),
            Material::P384(bytes) => point("P-384", bytes),
            Material::Ed25519(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x)),
        }
    }

    /// The public key as a JWK.
    pub(crate) fn to_jwk(&self) -> Value {
        serde_json::from_str(&self.canonical()).unwrap_or_default()
    }

    /// The thumbprint of RFC 7638.
    pub(crate) fn thumbprint(&self) -> String {
        sha256(self.canonical())
    }

    /// Checks a signature; the reason where it is refused.
    pub(crate) fn verify(&self, alg: &str, message: &[u8], signed: &[u8]) -> Result<(), &'static str> {
        if !self.algorithms().contains(&alg) {
            return Err("the algorithm does not belong to the kind of key");
        }
        let with = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signed)
        };
        let outcome = match self {
            Material::Rsa { n, e } => {
                if bits(n) < LEAST_RSA_BITS {
                    return Err("the RSA key has less than 2048 bits");
                }
                let rsa = match alg {
                    "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
                    _ => &signature::RSA_PKCS1_2048_8192_SHA256,
                };
                RsaPublicKeyComponents { n, e }.verify(rsa, message, signed)
            }
            Material::P256(point) => with(&signature::ECDSA_P256_SHA256_FIXED, point),
            Material::P384(point) => with(&signature::ECDSA_P384_SHA384_FIXED, point),
            Material::Ed25519(point) => with(&signature::ED25519, point),
        };
        outcome.map_err(|_| "the signature is wrong")
    }
}

fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros).map_or(0, |first| (number.len() - zeros) * 8 - first.leading_zeros() as usize)
}

impl Key {
    /// A key of `PUBLIC KEY` or `CERTIFICATE` in PEM.
    pub(crate) fn from_pem(pem: &str) -> Result<Key, String> {
        let x5t = spki::certificate(pem).ok().map(sha256);
        Ok(Key { material: spki::public_key(pem)?, kid: None, alg: None, x5t })
    }

    /// A public JWK; one with a private part is refused.
    pub(crate) fn from_jwk(jwk: &Value) -> Result<Key, String> {
        let members = jwk.as_object().ok_or("a JWK is an object")?;
        if PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return Err("the JWK has a private part".to_owned());
        }
        if members.get("use").is_some_and(|wanted| wanted != "sig") {
            return Err("the JWK is not for signatures".to_owned());
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let certificate = members.get("x5c").and_then(|chain| chain.get(0)).and_then(Value::as_str);
        let certificate = certificate.and_then(|text| {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD.decode(text).ok()
        });
        let material = material(members).ok_or("the JWK is not an RSA, P-256, P-384 or Ed25519 key")?;
        let x5t = text("x5t#S256").or_else(|| certificate.map(sha256));
        Ok(Key { material, kid: text("kid"), alg: text("alg"), x5t })
    }

    /// The keys of a JWK set.
    pub(crate) fn from_set(set: &Value) -> Result<Vec<Key>, String> {
        let keys = set.get("keys").and_then(Value::as_array).ok_or("a JWK set has the list keys")?;
        keys.iter().map(Key::from_jwk).collect()
    }

    /// Checks a signature; the reason where it is refused.
    pub(crate) fn verify(&self, alg: &str, message: &[u8], signed: &[u8]) -> Result<(), &'static str> {
        if self.alg.as_deref().is_some_and(|only| only != alg) {
            return Err("the algorithm is not that of the key");
        }
        self.material.verify(alg, message, signed)
    }
}

fn material(members: &serde_json::Map<String, Value>) -> Option<Material> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let bytes = |name: &str| decode(text(name)?);
    let point = |length: usize| {
        let (x, y) = (bytes("x")?, bytes("y")?);
        (x.len() == length && y.len() == length).then(|| [vec![4], x, y].concat())
    };
    match (text("kty")?, text("crv")) {
        ("RSA", None) => Some(Material::Rsa { n: bytes("n")?, e: bytes("e")? }),
        ("EC", Some("P-256")) => Some(Material::P256(point(32)?)),
        ("EC", Some("P-384")) => Some(Material::P384(point(48)?)),
        ("OKP", Some("Ed25519")) => bytes("x").filter(|x| x.len() == 32).map(Material::Ed25519),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// RFC 7638, 3.1.
    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = Key::from_jwk(&json!({"kty": "RSA", "n": n, "e": "AQAB", "kid": "2011-04-29"})).unwrap();
        assert_eq!(key.material.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(bits(&decode(n).unwrap()), 2048);
    }

    /// RFC 8037, A.3 and A.4.
    #[test]
    fn an_octet_key_verifies_and_only_its_own_algorithm() {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let key = Key::from_jwk(&jwk).unwrap();
        assert_eq!(key.material.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key.material.to_jwk(), jwk);
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signed = decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
        let signed = signed.unwrap();
        assert_eq!(key.verify("EdDSA", message, &signed), Ok(()));
        assert!(key.verify("EdDSA", &message[1..], &signed).is_err());
        for alg in ["ES256", "RS256", "HS256", "none", ""] {
            assert!(key.verify(alg, message, &signed).is_err(), "{alg}");
        }
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let x = encode([1; 32]);
        for wrong in [
            json!({"kty": "OKP", "crv": "Ed25519", "x": x, "d": x}),
            json!({"kty": "oct", "k": x}),
            json!({"kty": "OKP", "crv": "X25519", "x": x}),
            json!({"kty": "EC", "crv": "P-384", "x": x, "y": x}),
            json!({"kty": "EC", "crv": "P-256", "x": x, "y": x, "use": "enc"}),
            json!({"kty": "RSA", "n": "===", "e": "AQAB"}),
            json!("x"),
        ] {
            assert!(Key::from_jwk(&wrong).is_err(), "{wrong}");
        }
    }
}
