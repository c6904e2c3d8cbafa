//! `tls_client_auth` and `self_signed_tls_client_auth`: the connection's certificate says who the client is, and the form
//! its name (RFC 8705 section 2).

use super::{Attempt, ClientAuthentication, Outgoing};
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;

pub(super) struct Mtls;

impl ClientAuthentication for Mtls {
    fn apply(&self, config: &Config, _: &Credential, _: Attempt<'_>, outgoing: &mut Outgoing) -> Result<(), Error> {
        outgoing.form.add("client_id", &config.client_id);
        Ok(())
    }
}
