//! `client_secret_post`: id and secret as form parameters (RFC 6749 section 2.3.1).

use super::{Attempt, ClientAuthentication, Outgoing};
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;

pub(super) struct Post;

impl ClientAuthentication for Post {
    fn apply(
        &self,
        config: &Config,
        credential: &Credential,
        _: Attempt<'_>,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        outgoing.form.add("client_id", &config.client_id);
        outgoing.form.add("client_secret", credential.secret());
        Ok(())
    }
}
