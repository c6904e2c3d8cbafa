//! `client_credentials` (RFC 6749 section 4.4), and grants of other names that need no more than parameters.

use super::Grant;
use crate::auth::Attempt;
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;
use crate::request::{Form, Target};

pub(super) struct Named;

impl Grant for Named {
    fn apply(
        &self,
        config: &Config,
        target: &Target,
        _: &Credential,
        _: Attempt<'_>,
        form: &mut Form,
    ) -> Result<(), Error> {
        form.add_scope(config, target);
        Ok(())
    }
}
