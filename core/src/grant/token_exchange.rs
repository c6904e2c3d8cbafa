//! Token exchange (RFC 8693): a token for the subject of another token, with an actor's beside it where there is one.

use super::Grant;
use crate::auth::Attempt;
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;
use crate::request::{Form, Target};
use crate::secret::Secret;

/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

pub(super) struct TokenExchange;

impl Grant for TokenExchange {
    fn uses(&self) -> &'static [&'static str] {
        &["subject_token", "subject_token_type", "actor_token", "actor_token_type"]
    }

    fn needs(&self) -> Option<(&'static str, &'static str)> {
        Some(("subject_token", "the token to exchange, or its file"))
    }

    fn apply(
        &self,
        config: &Config,
        target: &Target,
        credential: &Credential,
        _: Attempt<'_>,
        form: &mut Form,
    ) -> Result<(), Error> {
        let tokens = [
            ("subject_token", &credential.subject_token, &config.subject_token_type),
            ("actor_token", &credential.actor_token, &config.actor_token_type),
        ];
        for (name, token, kind) in tokens {
            if let Some(token) = token.as_ref().map(Secret::expose) {
                form.add(name, token);
                form.add(&format!("{name}_type"), kind.as_deref().unwrap_or(ACCESS_TOKEN));
            }
        }
        form.add_scope(config, target);
        Ok(())
    }
}
