//! What a client proves itself with, read from its sources for one fetch.

use ring::digest;

use crate::config::Config;
use crate::error::Error;
use crate::key::PrivateKey;
use crate::secret::Secret;

/// The credential of one fetch.
#[derive(Default)]
pub(crate) struct Credential {
    pub(crate) secret: Option<Secret>,
    pub(crate) key: Option<PrivateKey>,
    pub(crate) assertion: Option<Secret>,
    fingerprint: Vec<u8>,
}

/// Reads all sources.
pub(crate) async fn read(config: &Config) -> Result<Credential, Error> {
    let mut texts = Vec::new();
    for source in [&config.client_secret, &config.private_key, &config.client_assertion] {
        texts.push(match source {
            Some(source) => Some(source.read().await?),
            None => None,
        });
    }
    let fingerprint = fingerprint(&texts);
    let mut texts = texts.into_iter().map(Option::Some).map(Option::flatten);
    let (secret, key, assertion) = (texts.next().flatten(), texts.next().flatten(), texts.next().flatten());
    let key = key.map(|text| PrivateKey::read(text.expose())).transpose()?;
    Ok(Credential { secret, key, assertion, fingerprint })
}

impl Credential {
    /// The same for the same content of all sources, whatever else changes.
    pub(crate) fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }

    pub(crate) fn secret(&self) -> &str {
        self.secret.as_ref().map_or("", Secret::expose)
    }
}

/// The fingerprint of what the sources hold now, as far as that can be told without waiting.
pub(crate) fn peek(config: &Config) -> Option<Vec<u8>> {
    let sources = [&config.client_secret, &config.private_key, &config.client_assertion];
    let texts: Option<Vec<Option<Secret>>> = sources
        .into_iter()
        .map(|source| source.as_ref().map_or(Some(None), |source| source.peek().map(Some)))
        .collect();
    texts.map(|texts| fingerprint(&texts))
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
