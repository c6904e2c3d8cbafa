//! Client authentication: one file a method. A new method is a file here and a line in [`method`].

use url::Url;
use zeroize::Zeroizing;

use crate::config::{AuthMethod, Config};
use crate::credential::Credential;
use crate::error::Error;
use crate::request::{ENCODED, Form};

pub(crate) mod assertion;
mod basic;
mod key_jwt;
mod mtls;
mod none;
mod post;
mod secret_jwt;

/// What is sent: the form, an `Authorization` header where the method has one, and a `DPoP` header where tokens are bound.
pub(crate) struct Outgoing {
    pub(crate) form: Form,
    pub(crate) authorization: Option<Zeroizing<String>>,
    pub(crate) proof: Option<String>,
}

/// What differs from one HTTP attempt to the next.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// Where the request goes.
    pub(crate) endpoint: &'a Url,
    /// Seconds that the server's clock is ahead of ours, as far as an assertion or a proof should heed it.
    pub(crate) clock_offset: i64,
}

/// One way for a client to prove who it is. Applied anew for each HTTP attempt.
trait ClientAuthentication {
    fn apply(
        &self,
        config: &Config,
        credential: &Credential,
        attempt: Attempt<'_>,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error>;
}

fn method(method: AuthMethod) -> &'static dyn ClientAuthentication {
    match method {
        AuthMethod::ClientSecretBasic => &basic::Basic,
        AuthMethod::ClientSecretPost => &post::Post,
        AuthMethod::ClientSecretJwt => &secret_jwt::SecretJwt,
        AuthMethod::PrivateKeyJwt => &key_jwt::KeyJwt,
        AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => &mtls::Mtls,
        AuthMethod::None => &none::None,
    }
}

/// Adds exactly one client authentication to the form (RFC 6749 section 2.3).
pub(crate) async fn authenticate(
    config: &Config,
    credential: &Credential,
    attempt: Attempt<'_>,
    form: Form,
) -> Result<Outgoing, Error> {
    let mut outgoing = Outgoing { form, authorization: None, proof: None };
    match &config.signer {
        // The only credential that is waited for.
        Some(signer) => {
            let assertion = assertion::by_signer(config, signer, attempt).await?;
            assertion::attach(config, &assertion, &mut outgoing);
        }
        None => method(config.auth_method).apply(config, credential, attempt, &mut outgoing)?,
    }
    Ok(outgoing)
}

/// The forms in which the credential could come back in a server's text: as it is, encoded in each way, escaped for HTML.
pub(crate) fn echoes(config: &Config, credential: &Credential) -> Vec<String> {
    let secret = credential.secret();
    let encoded = percent_encoding::utf8_percent_encode(secret, ENCODED).to_string();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let sent = [&credential.assertion, &credential.subject_token, &credential.actor_token];
    let sent = sent.into_iter().flatten().map(|secret| secret.expose().to_owned());
    let mut echoes = vec![
        secret.to_owned(),
        encoded.replace("%20", "+"),
        lower_hex(&encoded),
        encoded,
        html.replace('"', "&quot;").replace('\'', "&#39;"),
        html,
        basic::encode("", config, secret).to_string(),
    ];
    echoes.extend(sent);
    echoes.dedup();
    echoes
}

/// `%2F` as `%2f`.
fn lower_hex(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (hex, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        format!("{text}%{}{rest}", hex.to_ascii_lowercase())
    })
}
