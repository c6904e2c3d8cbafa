//! `private_key_jwt`: an assertion signed with a private key, or a ready one from a source (RFC 7523 section 2.2).

use super::{Attempt, ClientAuthentication, Outgoing, assertion};
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;

pub(super) struct KeyJwt;

impl ClientAuthentication for KeyJwt {
    fn apply(
        &self,
        config: &Config,
        credential: &Credential,
        attempt: Attempt,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        if let Some(ready) = &credential.assertion {
            assertion::attach(config, ready.expose(), outgoing);
            return Ok(());
        }
        let key = credential.private_key(config)?;
        let algorithm = key.algorithm(config.signing_alg.as_deref())?;
        let header = assertion::header(config, algorithm.name, key.id.as_deref());
        let jwt = assertion::make(config, attempt, header, |message| key.sign(algorithm, message))?;
        assertion::attach(config, &jwt, outgoing);
        Ok(())
    }
}
