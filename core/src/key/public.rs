//! The public part of a key as a JWK, and its thumbprint.

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{base64url, element, without_zeros};

/// Exactly the members that RFC 7638 section 3.2 hashes, put in by name: `serde_json` writes them so with all of its features.
pub(crate) struct PublicJwk(pub(crate) Value);

impl PublicJwk {
    /// Reads a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
    pub(super) fn read(spki: &[u8]) -> Option<PublicJwk> {
        let (body, _) = element(0x30, spki)?;
        let (_, bits) = element(0x30, body)?;
        // A BIT STRING whose first byte counts unused bits: none.
        let key = element(0x03, bits)?.0.strip_prefix(&[0])?;
        let jwk = match key {
            [0x04, point @ ..] if point.len() == 64 => ec("P-256", point),
            [0x04, point @ ..] if point.len() == 96 => ec("P-384", point),
            key if key.len() == 32 => json!({"crv": "Ed25519", "kty": "OKP", "x": base64url(key)}),
            key => rsa(element(0x30, key)?.0)?,
        };
        Some(PublicJwk(jwk))
    }

    /// The hash that a token is bound to (RFC 7638; `jkt` of RFC 9449 section 6).
    pub(crate) fn thumbprint(&self) -> String {
        base64url(digest(&SHA256, self.0.to_string().as_bytes()))
    }
}

fn ec(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point.split_at(point.len() / 2);
    json!({"crv": curve, "kty": "EC", "x": base64url(x), "y": base64url(y)})
}

fn rsa(numbers: &[u8]) -> Option<Value> {
    let (n, rest) = element(0x02, numbers)?;
    let (e, _) = element(0x02, rest)?;
    Some(json!({"e": base64url(without_zeros(e)), "kty": "RSA", "n": base64url(without_zeros(n))}))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const X: &str = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
    const Y: &str = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";

    #[test]
    fn rfc7638_3_1_thumbprint() {
        let jwk = json!({
            "e": "AQAB",
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB",
        });
        assert_eq!(PublicJwk(jwk).thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn rfc9449_6_1_jkt() {
        let jwk = ec("P-256", &[X, Y].map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).concat());
        assert_eq!(PublicJwk(jwk).thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn rfc8037_a3_thumbprint_of_a_key_that_was_read() {
        let text = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let key = crate::key::PrivateKey::read(crate::key::PROOF, text).unwrap();
        assert_eq!(key.public().unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn what_is_no_public_key_is_none() {
        for der in [&[][..], &[0x30], &[0x30, 0x82, 0xFF], &[0x30, 0x05, 0x30, 0x00, 0x03, 0x01, 0x00]] {
            assert!(PublicJwk::read(der).is_none());
        }
    }
}
