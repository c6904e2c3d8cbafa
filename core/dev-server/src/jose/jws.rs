//! The compact form of a signed JWT.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::decode;
use super::jwk::Key;

/// The header members that count here; a repeated one is a mistake.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) typ: Option<String>,
    kid: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t: Option<String>,
    pub(crate) jwk: Option<Value>,
    crit: Option<Value>,
}

/// A JWT whose signature is not checked yet.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    pub(crate) header: Header,
    /// What the signature is over.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
    payload: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes the three parts apart; the reason where that is impossible.
    pub(crate) fn parse(text: &'a str) -> Result<Jws<'a>, &'static str> {
        let (signed, signature) = text.rsplit_once('.').ok_or("not a JWT of three parts")?;
        let (header, payload) = signed.split_once('.').ok_or("not a JWT of three parts")?;
        let bytes = |part: &str| decode(part).ok_or("a part of the JWT is not base64url without padding");
        let header: Header =
            serde_json::from_slice(&bytes(header)?).map_err(|_| "the header of the JWT cannot be read")?;
        if header.crit.is_some() {
            return Err("the header of the JWT has crit");
        }
        Ok(Jws { header, signed: signed.as_bytes(), signature: bytes(signature)?, payload: bytes(payload)? })
    }

    /// The claims, into a type of which a repeated member is a mistake.
    pub(crate) fn claims<C: DeserializeOwned>(&self) -> Result<C, &'static str> {
        serde_json::from_slice(&self.payload).map_err(|_| "the claims of the JWT cannot be read")
    }

    /// Checks the signature by the one of these keys that the header names, or by any of them where it names none.
    pub(crate) fn verify(&self, keys: &[Key]) -> Result<(), &'static str> {
        let named = |key: &&Key| {
            let kid = self.header.kid.as_ref().is_none_or(|kid| key.kid.as_ref() == Some(kid));
            kid && self.header.x5t.as_ref().is_none_or(|x5t| key.x5t.as_ref() == Some(x5t))
        };
        let mut outcome = Err("no key of this kid or x5t#S256");
        for key in keys.iter().filter(named) {
            let verified = key.verify(&self.header.alg, self.signed, &self.signature);
            match verified {
                Ok(()) => return verified,
                // More telling than that another key is of another kind.
                Err(reason) if reason.contains("signature") || outcome.is_err_and(|old| old.contains("kid")) => {
                    outcome = Err(reason);
                }
                Err(_) => {}
            }
        }
        outcome
    }
}
