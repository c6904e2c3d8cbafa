//! Private keys for signing: PEM (PKCS#1, PKCS#8, SEC1) and JWK (RFC 7517). The algorithm is bound to the key.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::SigningKey;

use crate::certificate;
use crate::error::Error;

use jwk::Jwk;
pub(crate) use public::PublicJwk;

mod jwk;
mod public;
#[cfg(test)]
mod vectors;

/// The options that a key and its algorithm come from: errors name them.
#[derive(Clone, Copy)]
pub(crate) struct Role {
    key: &'static str,
    algorithm: &'static str,
}

/// The key of `private_key_jwt`.
pub(crate) const AUTHENTICATION: Role = Role { key: "private_key", algorithm: "token_endpoint_auth_signing_alg" };
/// The key of a client certificate.
pub(crate) const CONNECTION: Role = Role { key: "tls_client_key", algorithm: "" };
/// The key of DPoP proofs.
pub(crate) const PROOF: Role = Role { key: "dpop_key", algorithm: "dpop" };

/// A signing algorithm for JWS (RFC 7518 section 3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithm {
    pub(crate) name: &'static str,
    scheme: SignatureScheme,
    /// Bytes of each half of an ECDSA signature; 0 for the others, whose signatures are taken as they are.
    pub(crate) half: usize,
}

const ALGORITHMS: [Algorithm; 5] = [
    Algorithm { name: "RS256", scheme: SignatureScheme::RSA_PKCS1_SHA256, half: 0 },
    Algorithm { name: "PS256", scheme: SignatureScheme::RSA_PSS_SHA256, half: 0 },
    Algorithm { name: "ES256", scheme: SignatureScheme::ECDSA_NISTP256_SHA256, half: 32 },
    Algorithm { name: "ES384", scheme: SignatureScheme::ECDSA_NISTP384_SHA384, half: 48 },
    Algorithm { name: "EdDSA", scheme: SignatureScheme::ED25519, half: 0 },
];

/// The algorithm of this name.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    ALGORITHMS.into_iter().find(|algorithm| algorithm.name == name)
}

/// The names that `token_endpoint_auth_signing_alg` may have with a private key.
pub(crate) fn algorithm_names() -> [&'static str; 5] {
    ALGORITHMS.map(|algorithm| algorithm.name)
}

/// A private key. There is no way to read it back, and `Debug` is not implemented.
#[derive(Clone)]
pub(crate) struct PrivateKey {
    key: Arc<dyn SigningKey>,
    role: Role,
    /// `kid` of a JWK.
    pub(crate) id: Option<String>,
    /// `alg` of a JWK: the key has no other.
    only: Option<Algorithm>,
    /// `x5t#S256` of the certificate that stands beside the key (RFC 7515 section 4.1.8).
    pub(crate) thumbprint: Option<String>,
}

impl PrivateKey {
    /// Reads the key of a client that signs assertions, and its certificate where the PEM has one.
    pub(crate) fn of_client(text: &str) -> Result<PrivateKey, Error> {
        let key = PrivateKey::read(AUTHENTICATION, text)?;
        let thumbprint = certificate::thumbprint_beside(text, &key)?;
        Ok(PrivateKey { thumbprint, ..key })
    }

    /// Reads PEM or JWK.
    pub(crate) fn read(role: Role, text: &str) -> Result<PrivateKey, Error> {
        let named = |refused: Refused| Error::config("option_invalid", format!("`{}` {}", role.key, refused.0));
        let Jwk { der, id, algorithm: only } = match text.trim_start().starts_with('{') {
            true => jwk::read(text).map_err(named)?,
            false => Jwk { der: pem(text).map_err(named)?, id: None, algorithm: None },
        };
        let key = any_supported_type(&der).map_err(|_| {
            named(Refused::because("is not a usable key: RSA of 2048 to 8192 bits, EC P-256 or P-384 with its public part, or Ed25519 (PKCS#8, version 2) are"))
        })?;
        if only.is_some_and(|only| key.choose_scheme(&[only.scheme]).is_none()) {
            return Err(named(Refused::because("is a JWK whose `alg` does not fit its key")));
        }
        Ok(PrivateKey { key, role, id, only, thumbprint: None })
    }

    /// A new key for this algorithm; `None`: the algorithm has no keys that are made here (RSA: it takes too long).
    pub(crate) fn generate(role: Role, algorithm: Algorithm) -> Result<Option<PrivateKey>, Error> {
        let random = SystemRandom::new();
        let made = match algorithm.name {
            "ES256" => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random),
            "ES384" => EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &random),
            "EdDSA" => Ed25519KeyPair::generate_pkcs8(&random),
            _ => return Ok(None),
        };
        let made = made.map_err(|_| Error::internal("the operating system gave no random numbers"))?;
        let key = any_supported_type(&PrivatePkcs8KeyDer::from(made.as_ref()).into())
            .map_err(|_| Error::internal("a key that was made cannot be read"))?;
        Ok(Some(PrivateKey { key, role, id: None, only: Some(algorithm), thumbprint: None }))
    }

    /// The key as TLS uses it.
    pub(crate) fn for_tls(&self) -> Arc<dyn SigningKey> {
        self.key.clone()
    }

    /// The public part as a JWK (RFC 7517).
    pub(crate) fn public(&self) -> Result<PublicJwk, Error> {
        let key = self.key.public_key();
        key.and_then(|key| PublicJwk::read(&key))
            .ok_or_else(|| Error::internal("the public part of a key is not known"))
    }

    /// The algorithm to sign with: the one asked for, if the key can, else the first that the key can.
    pub(crate) fn algorithm(&self, wanted: Option<&str>) -> Result<Algorithm, Error> {
        let allowed = |algorithm: &Algorithm| self.only.is_none_or(|only| only == *algorithm);
        let fits = |algorithm: &&Algorithm| allowed(algorithm) && self.key.choose_scheme(&[algorithm.scheme]).is_some();
        let wanted_by_name = |algorithm: &&Algorithm| wanted.is_none_or(|name| name == algorithm.name);
        ALGORITHMS.iter().filter(fits).find(wanted_by_name).copied().ok_or_else(|| {
            let can: Vec<&str> = ALGORITHMS.iter().filter(fits).map(|algorithm| algorithm.name).collect();
            let message = format!(
                "`{}` does not fit `{}`: this key signs {}",
                self.role.algorithm,
                self.role.key,
                can.join(" or ")
            );
            Error::config("option_conflict", message)
        })
    }

    /// Signs as JWS does (RFC 7518 section 3.4: an ECDSA signature is R and S, not DER).
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.key.choose_scheme(&[algorithm.scheme]).and_then(|signer| signer.sign(message).ok());
        // Each signature is checked as it is made, the parts of an RSA key against each other then alone.
        let signature = signature.ok_or_else(|| {
            let message = format!("`{}` is damaged: its parts do not belong together", self.role.key);
            Error::config("option_invalid", message).with_hint("take the key from where it was issued, once more")
        })?;
        match algorithm.half {
            0 => Ok(signature),
            half => fixed(&signature, half).ok_or_else(|| Error::internal("the signature has an unknown form")),
        }
    }
}

/// Why a key cannot be used: what comes after the option's name.
struct Refused(String);

impl Refused {
    fn because(why: impl Into<String>) -> Refused {
        Refused(why.into())
    }
}

fn pem(text: &str) -> Result<PrivateKeyDer<'static>, Refused> {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(Refused::because(
            "is encrypted: decrypt it (openssl pkey -in key.pem -out plain.pem) and protect the file instead",
        ));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        Refused::because(
            "is neither a PEM private key (BEGIN PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY) nor a JWK",
        )
    })
}

/// R and S out of `SEQUENCE { INTEGER r, INTEGER s }`, each padded to `half` bytes.
fn fixed(der: &[u8], half: usize) -> Option<Vec<u8>> {
    let (body, _) = element(0x30, der)?;
    let (r, rest) = element(0x02, body)?;
    let (s, _) = element(0x02, rest)?;
    let mut out = Vec::with_capacity(2 * half);
    for part in [r, s] {
        let digits = without_zeros(part);
        out.extend(std::iter::repeat_n(0, half.checked_sub(digits.len())?));
        out.extend_from_slice(digits);
    }
    Some(out)
}

/// The content of the DER element that comes first, and what follows it (X.690 section 8.1).
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = der else { return None };
    let (length, rest) = match length {
        0..=0x7F => (usize::from(*length), rest),
        0x81 | 0x82 => {
            let (length, rest) = rest.split_at_checked(usize::from(length - 0x80))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if *first == tag { rest.split_at_checked(length) } else { None }
}

/// An unsigned number without its leading zeros.
fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().position(|byte| *byte != 0).unwrap_or(number.len())..]
}

/// base64url without padding (RFC 7515 section 2).
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ecdsa_signature_becomes_r_and_s() {
        let der = [0x30, 0x08, 0x02, 0x02, 0x00, 0x81, 0x02, 0x02, 0x01, 0x02];
        assert_eq!(fixed(&der, 4), Some(vec![0, 0, 0, 0x81, 0, 0, 0x01, 0x02]));
        assert_eq!(fixed(&der[..5], 4), None);
    }

    #[test]
    fn s24_an_encrypted_key_gets_a_hint() {
        let error = PrivateKey::read(
            AUTHENTICATION,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        )
        .err()
        .unwrap();
        assert!(error.message().contains("openssl pkey"), "{error}");
    }
}
