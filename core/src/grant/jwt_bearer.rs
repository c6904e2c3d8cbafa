//! A JWT as the grant (RFC 7523 section 2.1), signed with `private_key`: the way of service accounts.

use serde_json::{Map, Value};

use super::Grant;
use crate::auth::{Attempt, assertion};
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;
use crate::request::{Form, Target};

pub(super) struct JwtBearer;

impl Grant for JwtBearer {
    fn uses(&self) -> &'static [&'static str] {
        &["assertion_subject"]
    }

    fn needs(&self) -> Option<(&'static str, &'static str)> {
        Some(("private_key", "the private key that signs the grant, PEM or JWK, or its file"))
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn apply(
        &self,
        config: &Config,
        target: &Target,
        credential: &Credential,
        attempt: Attempt<'_>,
        form: &mut Form,
    ) -> Result<(), Error> {
        let mut claims = Map::new();
        let in_claims = config.profile.service_account;
        let own = (!in_claims).then_some(config.client_id.as_str());
        if let Some(subject) = config.assertion_subject.as_deref().or(own) {
            claims.insert("sub".to_owned(), Value::from(subject));
        }
        match in_claims && !target.scope.is_empty() {
            true => drop(claims.insert("scope".to_owned(), target.scope.join(" ").into())),
            false => form.add_scope(config, target),
        }
        form.add("assertion", &assertion::by_key(config, credential, attempt, "JWT", claims)?);
        Ok(())
    }
}
