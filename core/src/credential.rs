//! What a client proves itself with, read from its sources for one fetch.

use ring::digest;

use crate::config::Config;
use crate::error::Error;
use crate::key::{AUTHENTICATION, PrivateKey};
use crate::secret::Secret;

/// The credential of one fetch.
pub(crate) struct Credential {
    pub(crate) secret: Option<Secret>,
    key: Option<Secret>,
    pub(crate) assertion: Option<Secret>,
    fingerprint: Vec<u8>,
}

/// Reads all sources.
pub(crate) async fn read(config: &Config) -> Result<Credential, Error> {
    let mut texts = [None, None, None];
    for (text, source) in texts.iter_mut().zip(config.sources()) {
        if let Some(source) = source {
            *text = Some(source.read().await?);
        }
    }
    let fingerprint = fingerprint(&texts);
    let [secret, key, assertion] = texts;
    Ok(Credential { secret, key, assertion, fingerprint })
}

impl Credential {
    /// The same for the same content of all sources, whatever else changes.
    pub(crate) fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }

    /// The private key, read anew each time. A fault of one that came from a source is the source's: it can be put right
    /// without a restart.
    pub(crate) fn private_key(&self, config: &Config) -> Result<PrivateKey, Error> {
        let text = self.key.as_ref().ok_or_else(|| Error::internal("no private key"))?;
        PrivateKey::read(AUTHENTICATION, text.expose()).map_err(|error| match &config.private_key {
            Some(source) if source.can_change() => {
                source.fault("secret_invalid", &format!("is no key: {}", error.message()))
            }
            _ => error,
        })
    }

    pub(crate) fn secret(&self) -> &str {
        self.secret.as_ref().map_or("", Secret::expose)
    }
}

fn fingerprint(texts: &[Option<Secret>]) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    for text in texts {
        let text = text.as_ref().map_or("", Secret::expose);
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    context.finish().as_ref().to_vec()
}
