//! Client authentication: one file a method. A new method is a file here and a line in [`method`].

use zeroize::Zeroizing;

use crate::config::{AuthMethod, Config};
use crate::request::Form;

mod basic;
mod none;
mod post;

/// What is sent: the form, and an `Authorization` header where the method has one.
pub(crate) struct Outgoing {
    pub(crate) form: Form,
    pub(crate) authorization: Option<Zeroizing<String>>,
}

/// One way for a client to prove who it is. Applied anew for each HTTP attempt.
pub(crate) trait ClientAuthentication {
    fn apply(&self, config: &Config, outgoing: &mut Outgoing);
}

fn method(method: AuthMethod) -> &'static dyn ClientAuthentication {
    match method {
        AuthMethod::ClientSecretBasic => &basic::Basic,
        AuthMethod::ClientSecretPost => &post::Post,
        AuthMethod::None => &none::None,
    }
}

/// Adds exactly one client authentication to the form (RFC 6749 section 2.3).
pub(crate) fn authenticate(config: &Config, form: Form) -> Outgoing {
    let mut outgoing = Outgoing { form, authorization: None };
    method(config.auth_method).apply(config, &mut outgoing);
    outgoing
}

fn secret(config: &Config) -> &str {
    config.client_secret.as_ref().map_or("", |secret| secret.expose())
}

/// The forms in which the credential could come back in a server's text.
pub(crate) fn echoes(config: &Config) -> Vec<String> {
    let secret = secret(config);
    let encoded = percent_encoding::utf8_percent_encode(secret, crate::request::ENCODED).to_string();
    let form = encoded.replace("%20", "+");
    vec![secret.to_owned(), encoded, form, basic::credential(config).to_string()]
}
