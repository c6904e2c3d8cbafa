//! Grant types: on the strength of what a token is asked for. A new one is a file here and a line in [`find`].

use crate::auth::Attempt;
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;
use crate::request::{Form, Target};

mod jwt_bearer;
mod named;
mod token_exchange;

pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(crate) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The options that belong to grants.
pub(crate) const OPTIONS: [&str; 5] =
    ["assertion_subject", "subject_token", "subject_token_type", "actor_token", "actor_token_type"];

/// What is particular to a grant type.
pub(crate) trait Grant: Sync {
    /// Those of [`OPTIONS`] that it uses.
    fn uses(&self) -> &'static [&'static str] {
        &[]
    }

    /// The option without which it cannot be, and what to give.
    fn needs(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Whether `private_key` signs the grant; it authenticates the client only where that is asked for.
    fn is_signed(&self) -> bool {
        false
    }

    /// Whether the request carries something that whoever receives it could use elsewhere.
    fn carries_credential(&self) -> bool {
        self.needs().is_some()
    }

    /// Adds to the form what the token is asked for with; anew for each HTTP attempt.
    fn apply(
        &self,
        config: &Config,
        target: &Target,
        credential: &Credential,
        attempt: Attempt<'_>,
        form: &mut Form,
    ) -> Result<(), Error>;
}

/// The grant type of this name (RFC 6749 section 4.5: any name may be one).
pub(crate) fn find(name: &str) -> &'static dyn Grant {
    match name {
        JWT_BEARER => &jwt_bearer::JwtBearer,
        TOKEN_EXCHANGE => &token_exchange::TokenExchange,
        _ => &named::Named,
    }
}
