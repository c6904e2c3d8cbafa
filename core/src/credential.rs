//! What a client proves itself with, read from its sources for one fetch.

use ring::digest;

use crate::certificate::{self, ClientCertificate};
use crate::config::Config;
use crate::engine::engine;
use crate::error::Error;
use crate::key::{CONNECTION, PrivateKey};
use crate::secret::Secret;
use crate::source::Source;

/// The credential of one fetch.
pub(crate) struct Credential {
    pub(crate) secret: Option<Secret>,
    key: Option<Secret>,
    pub(crate) assertion: Option<Secret>,
    pub(crate) subject_token: Option<Secret>,
    pub(crate) actor_token: Option<Secret>,
    certificate_text: Option<Secret>,
    certificate_key: Option<Secret>,
    /// What the connections of this fetch show.
    pub(crate) certificate: Option<ClientCertificate>,
    /// Whether a file of it can be read by every user of the machine.
    pub(crate) exposed: bool,
}

/// Reads all sources.
pub(crate) async fn read(config: &Config) -> Result<Credential, Error> {
    let sources = config.sources();
    let (mut texts, mut exposed) = (sources.map(|_| None), false);
    for (text, source) in texts.iter_mut().zip(sources) {
        if let Some(source) = source {
            let (secret, everybodys) = source.read(config.source_patience()).await?;
            let everybodys = everybodys && config.is_secret(source);
            if everybodys && config.require_private_files {
                return Err(source.exposed());
            }
            exposed |= everybodys;
            *text = Some(secret);
        }
    }
    let [secret, key, assertion, certificate_text, certificate_key, subject_token, actor_token] = texts;
    let certificate = match (&certificate_text, &certificate_key) {
        (Some(certificate), Some(key)) => Some(read_certificate(config, certificate, key)?),
        _ => None,
    };
    Ok(Credential {
        secret,
        key,
        assertion,
        subject_token,
        actor_token,
        certificate_text,
        certificate_key,
        certificate,
        exposed,
    })
}

/// Which files of it every user of the machine can read, each said once in a process; nothing where that is an error.
pub(crate) fn exposed(config: &Config) -> Option<String> {
    let exposed = |source: &&Source| config.is_secret(source) && source.is_exposed() && engine().is_news(source);
    let files = config.sources().into_iter().flatten().filter(|_| !config.require_private_files).filter(exposed);
    let texts: Vec<String> = files.map(|source| source.exposed().message().to_owned()).collect();
    (!texts.is_empty()).then(|| format!("{}: take that right away (chmod o-r)", texts.join("; ")))
}

fn read_certificate(config: &Config, certificate: &Secret, key: &Secret) -> Result<ClientCertificate, Error> {
    let of_key = |error| fault(&config.tls_client_key, &error);
    let chain =
        certificate::chain(certificate.expose()).map_err(|error| fault(&config.tls_client_certificate, &error))?;
    ClientCertificate::new(chain, &PrivateKey::read(CONNECTION, key.expose()).map_err(of_key)?).map_err(of_key)
}

/// A fault of what a source gave is the source's: it can be put right without a restart.
fn fault(source: &Option<Box<Source>>, error: &Error) -> Error {
    match source {
        Some(source) if source.can_change() => {
            source.fault("secret_invalid", &format!("cannot be used: {}", error.message()))
        }
        _ => error.clone(),
    }
}

impl Credential {
    /// The same for the same content of all sources, whatever else changes.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let Credential {
            secret, key, assertion, certificate_text, certificate_key, subject_token, actor_token, ..
        } = self;
        hash(&[secret, key, assertion, certificate_text, certificate_key, subject_token, actor_token])
    }

    /// The same without a ready assertion, which is another each time. A token to exchange counts: another is another subject's.
    pub(crate) fn lasting_fingerprint(&self) -> [u8; 32] {
        hash(&[&self.secret, &self.key, &self.certificate_text, &self.subject_token, &self.actor_token])
    }

    /// The secret or the private key: what a seal can be made of. A ready assertion is a signature, and no secret for long.
    pub(crate) fn lasting(&self) -> Option<&str> {
        self.secret.as_ref().or(self.key.as_ref()).map(Secret::expose)
    }

    /// The private key, read anew each time.
    pub(crate) fn private_key(&self, config: &Config) -> Result<PrivateKey, Error> {
        let text = self.key.as_ref().ok_or_else(|| Error::internal("no private key"))?;
        PrivateKey::of_client(text.expose()).map_err(|error| fault(&config.private_key, &error))
    }

    pub(crate) fn secret(&self) -> &str {
        self.secret.as_ref().map_or("", Secret::expose)
    }
}

fn hash(texts: &[&Option<Secret>]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for text in texts {
        let text = text.as_ref().map_or("", Secret::expose);
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
