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
    let key = key.map(|text| private_key(config, &text)).transpose()?;
    Ok(Credential { secret, key, assertion, fingerprint })
}

/// A key that came from a source can be put right without a restart: its fault is the source's.
fn private_key(config: &Config, text: &Secret) -> Result<PrivateKey, Error> {
    PrivateKey::read(text.expose()).map_err(|error| match &config.private_key {
        Some(source) if source.value().is_none() => {
            source.fault("secret_invalid", &format!("is no key: {}", error.message()))
        }
        _ => error,
    })
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

/// Whether the sources hold something else now than what this fingerprint is of (`None`: of nothing readable). No where that
/// cannot be told without waiting.
pub(crate) fn has_changed(config: &Config, since: Option<&Vec<u8>>) -> bool {
    let sources = config.sources();
    if sources.into_iter().flatten().all(|source| source.value().is_some()) {
        return false;
    }
    let texts: Option<Vec<Option<Secret>>> =
        sources.into_iter().map(|source| source.map_or(Some(None), |source| source.peek().map(Some))).collect();
    texts.is_some_and(|texts| Some(&fingerprint(&texts)) != since)
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
