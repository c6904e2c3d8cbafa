//! `none`: a public client names itself and proves nothing (RFC 6749 section 2.1). Where the grant is signed, that names it
//! (RFC 7521 section 4.1).

use super::{Attempt, ClientAuthentication, Outgoing};
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;

pub(super) struct None;

impl ClientAuthentication for None {
    fn apply(&self, config: &Config, _: &Credential, _: Attempt<'_>, outgoing: &mut Outgoing) -> Result<(), Error> {
        if !config.grant.is_signed() {
            outgoing.form.add("client_id", &config.client_id);
        }
        Ok(())
    }
}
