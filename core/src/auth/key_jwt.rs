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
        attempt: Attempt<'_>,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        if let Some(ready) = &credential.assertion {
            assertion::attach(config, ready.expose(), outgoing);
            return Ok(());
        }
        let claims = assertion::of_client(config);
        let jwt = assertion::by_key(config, credential, attempt, assertion::CLIENT_AUTHENTICATION, claims)?;
        assertion::attach(config, &jwt, outgoing);
        Ok(())
    }
}
