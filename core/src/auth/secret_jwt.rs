//! `client_secret_jwt`: an assertion authenticated with the secret, HS256 (RFC 7523 section 2.2, RFC 7518 section 3.2).

use ring::hmac;

use super::{Attempt, ClientAuthentication, Outgoing, assertion};
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;

pub(super) struct SecretJwt;

impl ClientAuthentication for SecretJwt {
    fn apply(
        &self,
        config: &Config,
        credential: &Credential,
        attempt: Attempt<'_>,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, credential.secret().as_bytes());
        let header = assertion::header(config, "HS256", assertion::CLIENT_AUTHENTICATION);
        let sign = |message: &[u8]| Ok(hmac::sign(&key, message).as_ref().to_vec());
        let jwt = assertion::make(config, attempt, &header, assertion::of_client(config), sign)?;
        assertion::attach(config, &jwt, outgoing);
        Ok(())
    }
}
