//! The forms in which a private key is written: PKCS#8, PKCS#1, SEC1 and JWK.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::jose::der::{BIT_STRING, CONTEXT_0, CONTEXT_1, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, element};
use crate::jose::encode;

/// What PKCS#8 (version 1) writes before the 32 bytes of an Ed25519 key.
const ED25519_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// PEM of this label, in lines of 64 letters.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (index, letter) in text.char_indices() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem + &format!("\n-----END {label}-----\n")
}

/// A key of a curve in all its forms.
#[derive(Debug)]
pub(crate) struct Forms {
    pub(crate) pkcs8: String,
    /// PKCS#1 or SEC1; empty for Ed25519, which has neither.
    pub(crate) traditional: String,
    pub(crate) jwk: Value,
}

/// The key inside PKCS#8.
fn inner(pkcs8: &[u8]) -> Option<&[u8]> {
    let mut fields = Reader(pkcs8).enter(SEQUENCE)?;
    fields.take(INTEGER)?;
    fields.take(SEQUENCE)?;
    fields.take(OCTET_STRING)
}

/// The forms of an RSA key.
pub(crate) fn rsa(pkcs8: &[u8]) -> Option<Forms> {
    let pkcs1 = inner(pkcs8)?;
    let mut numbers = Reader(pkcs1).enter(SEQUENCE)?;
    numbers.take(INTEGER)?;
    let mut jwk = json!({"kty": "RSA"});
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        jwk[name] = encode(numbers.integer()?).into();
    }
    Some(Forms { pkcs8: pem("PRIVATE KEY", pkcs8), traditional: pem("RSA PRIVATE KEY", pkcs1), jwk })
}

/// The forms of a key of this curve.
pub(crate) fn ec(pkcs8: &[u8], crv: &str, curve: &[u8]) -> Option<Forms> {
    let mut fields = Reader(inner(pkcs8)?).enter(SEQUENCE)?;
    fields.take(INTEGER)?;
    let d = fields.take(OCTET_STRING)?;
    fields.skip(CONTEXT_0);
    let point = fields.enter(CONTEXT_1)?.bits()?;
    let (x, y) = point.get(1..)?.split_at(point.len() / 2);
    let jwk = json!({"kty": "EC", "crv": crv, "x": encode(x), "y": encode(y), "d": encode(d)});
    let sec1 = element(
        SEQUENCE,
        &[
            &element(INTEGER, &[&[1]]),
            &element(OCTET_STRING, &[d]),
            &element(CONTEXT_0, &[&element(OID, &[curve])]),
            &element(CONTEXT_1, &[&element(BIT_STRING, &[&[0], point])]),
        ],
    );
    Some(Forms { pkcs8: pem("PRIVATE KEY", pkcs8), traditional: pem("EC PRIVATE KEY", &sec1), jwk })
}

/// The forms of an Ed25519 key, in version 1 of PKCS#8, which everybody reads.
pub(crate) fn ed25519(pkcs8: &[u8], public: &[u8]) -> Option<Forms> {
    let seed = Reader(inner(pkcs8)?).take(OCTET_STRING)?;
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(public), "d": encode(seed)});
    let pkcs8 = pem("PRIVATE KEY", &[&ED25519_HEAD[..], seed].concat());
    Some(Forms { pkcs8, traditional: String::new(), jwk })
}
