//! `none`: a public client names itself and proves nothing (RFC 6749 section 2.1).

use super::{Attempt, ClientAuthentication, Outgoing};
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;

pub(super) struct None;

impl ClientAuthentication for None {
    fn apply(&self, config: &Config, _: &Credential, _: Attempt, outgoing: &mut Outgoing) -> Result<(), Error> {
        outgoing.form.add("client_id", &config.client_id);
        Ok(())
    }
}
