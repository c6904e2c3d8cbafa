//! `client_secret_basic`: HTTP Basic with id and secret encoded as a form first (RFC 6749 section 2.3.1, appendix B).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::utf8_percent_encode;
use zeroize::Zeroizing;

use super::{Attempt, ClientAuthentication, Outgoing};
use crate::config::{BasicEncoding, Config};
use crate::credential::Credential;
use crate::error::Error;
use crate::request::ENCODED;

pub(super) struct Basic;

impl ClientAuthentication for Basic {
    fn apply(
        &self,
        config: &Config,
        credential: &Credential,
        _: Attempt<'_>,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        let mut header = Zeroizing::new(String::from("Basic "));
        header.push_str(&encode(config, credential.secret()));
        outgoing.authorization = Some(header);
        Ok(())
    }
}

/// base64 of `id:secret`.
pub(super) fn encode(config: &Config, secret: &str) -> Zeroizing<String> {
    let id = config.client_id.as_str();
    let pair = Zeroizing::new(match config.basic_encoding {
        BasicEncoding::Form => {
            format!("{}:{}", utf8_percent_encode(id, ENCODED), utf8_percent_encode(secret, ENCODED))
        }
        BasicEncoding::Raw => format!("{id}:{secret}"),
    });
    Zeroizing::new(STANDARD.encode(pair.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded;

    use super::*;

    fn config(id: &str, encoding: &str) -> Result<Config, Error> {
        Config::from_value(serde_json::json!({
            "token_endpoint": "https://a.example", "client_id": id, "client_secret": "b", "basic_encoding": encoding,
        }))
    }

    proptest! {
        /// Decoded by what did not encode it: the URL standard's reader of forms.
        #[test]
        fn s09_a_form_reader_gets_id_and_secret_back(id in "\\PC{1,40}", secret in "\\PC{1,40}") {
            let header = encode(&config(&id, "form")?, &secret);
            let pair = String::from_utf8(STANDARD.decode(header.as_bytes())?)?;
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~%:".contains(c);
            prop_assert!(pair.chars().all(plain) && pair.matches(':').count() == 1, "{}", pair);
            let field = pair.replace(':', "=");
            let read: Vec<_> = form_urlencoded::parse(field.as_bytes()).into_owned().collect();
            prop_assert_eq!(read, vec![(id, secret)]);
        }

        #[test]
        fn s09_raw_is_what_was_given(id in "[^:\\pC]{1,40}", secret in "\\PC{1,40}") {
            let header = encode(&config(&id, "raw")?, &secret);
            prop_assert_eq!(String::from_utf8(STANDARD.decode(header.as_bytes())?)?, format!("{id}:{secret}"));
        }
    }
}
