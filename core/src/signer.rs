//! Signatures by a key that this library does not hold, for `private_key_jwt`. Only Rust has them: a function is no option that
//! could be written down.

use std::sync::Arc;

use crate::aside;
use crate::error::{Error, ErrorKind};
use crate::key::{self, Algorithm};

/// A private key that lies elsewhere, in an HSM or a key management service, and signs there.
pub trait Signer: Send + Sync {
    /// The algorithm by its name in JWS: `RS256`, `PS256`, `ES256`, `ES384` or `EdDSA` (RFC 7518 section 3.1, RFC 8037). Asked
    /// once, when the client is made.
    fn algorithm(&self) -> &str;

    /// What tells this key from others, and is no secret: the thumbprint of its public part (RFC 7638), or its name where it
    /// lies. Clients whose other options are the same share their tokens where it is equal. Asked once.
    fn identity(&self) -> &str;

    /// Signs the bytes of a JWS (RFC 7515 section 5.1), for each request anew. An ECDSA signature is R and S, not DER (RFC 7518
    /// section 3.4). It may wait: it is called on a thread for that, and given up when the client's `timeout` is over.
    ///
    /// # Errors
    /// Whatever prevents it. The caller gets a `SecretError` without its text, which could hold anything.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;
}

/// A signer that was asked what it is.
#[derive(Clone)]
pub(crate) struct ExternalKey {
    signer: Arc<dyn Signer>,
    pub(crate) algorithm: Algorithm,
    pub(crate) identity: String,
}

impl ExternalKey {
    pub(crate) fn new(signer: Arc<dyn Signer>) -> Result<ExternalKey, Error> {
        let algorithm = key::algorithm(signer.algorithm()).ok_or_else(|| {
            let message = format!("`signer` must have an algorithm of {}", key::algorithm_names().join(", "));
            Error::config("option_invalid", message)
        })?;
        let identity = signer.identity().to_owned();
        if identity.is_empty() {
            let message = "`signer` must have an identity: the thumbprint of its public key, or its name";
            return Err(Error::config("option_invalid", message));
        }
        Ok(ExternalKey { signer, algorithm, identity })
    }

    /// The signature, within the time that the caller has.
    pub(crate) async fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, Error> {
        let signer = self.signer.clone();
        let signed = aside::block(move || signer.sign(&message).ok()).await;
        let signature = signed.map_err(|_| failed("panicked"))?.ok_or_else(|| failed("gave no signature"))?;
        if self.algorithm.half > 0 && signature.len() != 2 * self.algorithm.half {
            let (name, wanted, length) = (self.algorithm.name, 2 * self.algorithm.half, signature.len());
            let why =
                format!("gave {length} bytes, where {name} has R and S in {wanted} (RFC 7518 section 3.4), not DER");
            return Err(failed(&why));
        }
        Ok(signature)
    }
}

fn failed(why: &str) -> Error {
    Error::new(ErrorKind::Secret, "signer_failed", format!("`signer` {why}"))
        .with_hint("look where the signer keeps its own errors: what it says is not shown here")
}
