//! Private keys for signing: PEM (PKCS#1, PKCS#8, SEC1) and JWK (RFC 7517). The algorithm is bound to the key.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;

use crate::error::Error;

mod jwk;

/// A signing algorithm for JWS (RFC 7518 section 3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithm {
    pub(crate) name: &'static str,
    scheme: SignatureScheme,
    /// Bytes of each half of an ECDSA signature; 0 for the others, whose signatures are taken as they are.
    half: usize,
}

const ALGORITHMS: [Algorithm; 5] = [
    Algorithm { name: "RS256", scheme: SignatureScheme::RSA_PKCS1_SHA256, half: 0 },
    Algorithm { name: "PS256", scheme: SignatureScheme::RSA_PSS_SHA256, half: 0 },
    Algorithm { name: "ES256", scheme: SignatureScheme::ECDSA_NISTP256_SHA256, half: 32 },
    Algorithm { name: "ES384", scheme: SignatureScheme::ECDSA_NISTP384_SHA384, half: 48 },
    Algorithm { name: "EdDSA", scheme: SignatureScheme::ED25519, half: 0 },
];

/// The names that `token_endpoint_auth_signing_alg` may have with a private key.
pub(crate) fn algorithm_names() -> [&'static str; 5] {
    ALGORITHMS.map(|algorithm| algorithm.name)
}

/// A private key. There is no way to read it back, and `Debug` is not implemented.
#[derive(Clone)]
pub(crate) struct PrivateKey {
    key: Arc<dyn SigningKey>,
    /// `kid` of a JWK.
    pub(crate) id: Option<String>,
}

impl PrivateKey {
    /// Reads PEM or JWK.
    pub(crate) fn read(text: &str) -> Result<PrivateKey, Error> {
        let (der, id) = match text.trim_start().starts_with('{') {
            true => jwk::read(text)?,
            false => (pem(text)?, None),
        };
        let key = any_supported_type(&der).map_err(|_| {
            refused("is not a usable key: RSA of 2048 to 8192 bits, EC P-256 or P-384 with its public part, or Ed25519 (PKCS#8, version 2) are")
        })?;
        Ok(PrivateKey { key, id })
    }

    /// The algorithm to sign with: the one asked for, if the key can, else the first that the key can.
    pub(crate) fn algorithm(&self, wanted: Option<&str>) -> Result<Algorithm, Error> {
        let fits = |algorithm: &&Algorithm| self.key.choose_scheme(&[algorithm.scheme]).is_some();
        let wanted_by_name = |algorithm: &&Algorithm| wanted.is_none_or(|name| name == algorithm.name);
        ALGORITHMS.iter().filter(fits).find(wanted_by_name).copied().ok_or_else(|| {
            let can: Vec<&str> = ALGORITHMS.iter().filter(fits).map(|algorithm| algorithm.name).collect();
            let message = format!(
                "`token_endpoint_auth_signing_alg` does not fit `private_key`: this key signs {}",
                can.join(" or ")
            );
            Error::config("option_conflict", message)
        })
    }

    /// Signs as JWS does (RFC 7518 section 3.4: an ECDSA signature is R and S, not DER).
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.key.choose_scheme(&[algorithm.scheme]).and_then(|signer| signer.sign(message).ok());
        let signature = signature.ok_or_else(|| Error::internal("the signature could not be made"))?;
        match algorithm.half {
            0 => Ok(signature),
            half => fixed(&signature, half).ok_or_else(|| Error::internal("the signature has an unknown form")),
        }
    }
}

pub(crate) fn refused(why: &str) -> Error {
    Error::config("option_invalid", format!("`private_key` {why}"))
}

fn pem(text: &str) -> Result<PrivateKeyDer<'static>, Error> {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(refused(
            "is encrypted: decrypt it (openssl pkey -in key.pem -out plain.pem) and protect the file instead",
        ));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        refused("is neither a PEM private key (BEGIN PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY) nor a JWK")
    })
}

/// R and S out of `SEQUENCE { INTEGER r, INTEGER s }`, each padded to `half` bytes.
fn fixed(der: &[u8], half: usize) -> Option<Vec<u8>> {
    let body = der.strip_prefix(&[0x30])?;
    let body = if *body.first()? == 0x81 { body.get(2..)? } else { body.get(1..)? };
    let (r, rest) = integer(body)?;
    let (s, _) = integer(rest)?;
    let mut out = Vec::with_capacity(2 * half);
    for part in [r, s] {
        let start = part.iter().position(|byte| *byte != 0).unwrap_or(part.len());
        let digits = &part[start..];
        out.extend(std::iter::repeat_n(0, half.checked_sub(digits.len())?));
        out.extend_from_slice(digits);
    }
    Some(out)
}

fn integer(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x02, length, rest @ ..] = der else { return None };
    rest.split_at_checked(usize::from(*length))
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
        let error =
            PrivateKey::read("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
                .err()
                .unwrap();
        assert!(error.message().contains("openssl pkey"), "{error}");
    }
}
