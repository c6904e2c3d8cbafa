//! A private JWK (RFC 7517, 7518 section 6, 8037) as the DER that the signing library reads.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Algorithm, Refused, algorithm, without_zeros};

/// What a JWK says.
pub(super) struct Jwk {
    pub(super) der: PrivateKeyDer<'static>,
    /// `kid`.
    pub(super) id: Option<String>,
    /// `alg`, where it has one: the only algorithm of this key.
    pub(super) algorithm: Option<Algorithm>,
}

pub(super) fn read(text: &str) -> Result<Jwk, Refused> {
    let jwk: Value = serde_json::from_str(text).map_err(|_| Refused::because("is not a JWK: it is not JSON"))?;
    let algorithm = purpose(&jwk)?;
    let der = match jwk["kty"].as_str() {
        Some("RSA") => PrivatePkcs1KeyDer::from(rsa(&jwk)?).into(),
        Some("EC") => PrivatePkcs8KeyDer::from(ec(&jwk)?).into(),
        Some("OKP") => PrivatePkcs8KeyDer::from(ed25519(&jwk)?).into(),
        _ => return Err(Refused::because("is a JWK whose kty is not RSA, EC or OKP")),
    };
    Ok(Jwk { der, id: jwk["kid"].as_str().map(str::to_owned), algorithm })
}

/// What the key is for (RFC 7517 sections 4.2 to 4.4): it must sign, and by `alg` where that is given.
fn purpose(jwk: &Value) -> Result<Option<Algorithm>, Refused> {
    let signs = |operations: &Value| operations.as_array().is_some_and(|list| list.iter().any(|one| one == "sign"));
    if !jwk["use"].is_null() && jwk["use"] != "sig" {
        return Err(Refused::because("is a JWK whose `use` is not \"sig\": give a key for signatures"));
    }
    if !jwk["key_ops"].is_null() && !signs(&jwk["key_ops"]) {
        return Err(Refused::because("is a JWK whose `key_ops` has no \"sign\": give a key for signatures"));
    }
    match &jwk["alg"] {
        Value::Null => Ok(None),
        // RFC 9864 has two names for it.
        name if name == "Ed25519" => Ok(algorithm("EdDSA")),
        name => name.as_str().and_then(algorithm).map(Some).ok_or_else(|| {
            Refused::because(format!("is a JWK whose `alg` is none of {}", super::algorithm_names().join(", ")))
        }),
    }
}

/// One member as bytes.
fn member(jwk: &Value, name: &str) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let text = jwk[name].as_str().ok_or_else(|| match name {
        "d" => Refused::because("is a JWK without its private part `d`"),
        _ => Refused::because(format!("is a JWK without `{name}`")),
    })?;
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Refused::because(format!("is a JWK whose `{name}` is not base64url")))?;
    Ok(Zeroizing::new(bytes))
}

/// RSAPrivateKey (RFC 8017 appendix A.1.2).
fn rsa(jwk: &Value) -> Result<Vec<u8>, Refused> {
    let mut parts = tlv(0x02, &[0]);
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        parts.extend(unsigned(&member(jwk, name)?));
    }
    Ok(tlv(0x30, &parts))
}

const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P_256: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const P_384: &[u8] = &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x70];

/// PrivateKeyInfo with an ECPrivateKey that holds its public part (RFC 5958, RFC 5915).
fn ec(jwk: &Value) -> Result<Vec<u8>, Refused> {
    let (curve, size) = match jwk["crv"].as_str() {
        Some("P-256") => (P_256, 32),
        Some("P-384") => (P_384, 48),
        _ => return Err(Refused::because("is a JWK whose crv is not P-256 or P-384")),
    };
    let (d, x, y) = (member(jwk, "d")?, member(jwk, "x")?, member(jwk, "y")?);
    if [&d, &x, &y].iter().any(|part| part.len() != size) {
        return Err(Refused::because("is a JWK whose `d`, `x` or `y` has the wrong length for its curve"));
    }
    let point = [&[0x00, 0x04], x.as_slice(), y.as_slice()].concat();
    let public = tlv(0xA1, &tlv(0x03, &point));
    let private = tlv(0x30, &[tlv(0x02, &[1]), tlv(0x04, &d), public].concat());
    let algorithm = tlv(0x30, &[EC_PUBLIC_KEY, curve].concat());
    Ok(tlv(0x30, &[tlv(0x02, &[0]), algorithm, tlv(0x04, &private)].concat()))
}

/// OneAsymmetricKey with the public part (RFC 8410 section 7).
fn ed25519(jwk: &Value) -> Result<Vec<u8>, Refused> {
    if jwk["crv"].as_str() != Some("Ed25519") {
        return Err(Refused::because("is a JWK whose crv is not Ed25519"));
    }
    let (d, x) = (member(jwk, "d")?, member(jwk, "x")?);
    let public = tlv(0x81, &[&[0x00], x.as_slice()].concat());
    let private = tlv(0x04, &tlv(0x04, &d));
    Ok(tlv(0x30, &[tlv(0x02, &[1]), tlv(0x30, ED25519), private, public].concat()))
}

/// INTEGER of an unsigned number: no leading zeros, but one where the top bit is set.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let digits = without_zeros(number);
    match digits.first() {
        Some(first) if *first < 0x80 => tlv(0x02, digits),
        _ => tlv(0x02, &[&[0], digits].concat()),
    }
}

/// Tag, length, value (X.690 section 8.1).
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let mut out = vec![tag];
    match length {
        0..=0x7F => out.push(length as u8),
        0x80..=0xFF => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::key::{AUTHENTICATION, PrivateKey};

    /// RFC 7515 appendix A.3.1 and A.2.1, RFC 8037 appendix A.1.
    const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","kid":"one"}"#;
    const OKP: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn read(text: &str) -> Result<PrivateKey, Error> {
        PrivateKey::read(AUTHENTICATION, text)
    }

    #[test]
    fn keys_of_the_rfcs_are_read_and_bound_to_their_algorithm() {
        let ec = read(EC).unwrap();
        assert_eq!((ec.algorithm(None).unwrap().name, ec.id.as_deref()), ("ES256", Some("one")));
        assert_eq!(ec.algorithm(Some("RS256")).err().unwrap().code(), "option_conflict");
        assert_eq!(ec.sign(ec.algorithm(None).unwrap(), b"a").unwrap().len(), 64);
        assert_eq!(read(OKP).unwrap().algorithm(None).unwrap().name, "EdDSA");
    }

    #[test]
    fn rfc8037_a4_ed25519_signature() {
        let key = read(OKP).unwrap();
        let signature = key
            .sign(key.algorithm(None).unwrap(), b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")
            .unwrap();
        assert_eq!(
            crate::key::base64url(signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn s24_what_a_jwk_is_for_is_honoured() {
        let with = |members: &str| read(&EC.replace("\"kid\"", &format!("{members},\"kid\"")));
        for good in [r#""use":"sig","alg":"ES256""#, r#""key_ops":["verify","sign"]"#, r#""alg":null,"use":null"#] {
            assert_eq!(with(good).unwrap().algorithm(None).unwrap().name, "ES256", "{good}");
        }
        for (bad, named) in [
            (r#""use":"enc""#, "`use`"),
            (r#""use":["sig"]"#, "`use`"),
            (r#""key_ops":["verify"]"#, "`key_ops`"),
            (r#""key_ops":"sign""#, "`key_ops`"),
            (r#""alg":"none""#, "`alg`"),
            (r#""alg":"HS256""#, "`alg`"),
            (r#""alg":"ECDH-ES""#, "`alg`"),
            (r#""alg":"ES384""#, "`alg`"),
            (r#""alg":7"#, "`alg`"),
        ] {
            let error = with(bad).err().unwrap();
            assert_eq!(error.code(), "option_invalid", "{bad}");
            assert!(error.message().contains(named), "{bad}: {error}");
        }
        let okp = read(&OKP.replace("\"kty\"", "\"alg\":\"Ed25519\",\"kty\"")).unwrap();
        assert_eq!(okp.algorithm(Some("EdDSA")).unwrap().name, "EdDSA");
    }

    #[test]
    fn a_public_jwk_is_refused() {
        let public = EC.replace("\"d\"", "\"q\"");
        assert!(read(&public).err().unwrap().message().contains("private part"));
    }
}
