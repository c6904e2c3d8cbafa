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
        outgoing.authorization = Some(encode("Basic ", config, credential.secret()));
        Ok(())
    }
}

/// base64 of `id:secret`, behind a prefix.
pub(super) fn encode(prefix: &str, config: &Config, secret: &str) -> Zeroizing<String> {
    let id = config.client_id.as_str();
    // Of their final size at once, or more: growing would leave copies behind.
    let longest = 3 * (id.len() + secret.len()) + 1;
    let mut pair = Zeroizing::new(String::with_capacity(longest));
    match config.basic_encoding {
        BasicEncoding::Form => {
            pair.extend(utf8_percent_encode(id, ENCODED));
            pair.push(':');
            pair.extend(utf8_percent_encode(secret, ENCODED));
        }
        BasicEncoding::Raw => [id, ":", secret].into_iter().for_each(|part| pair.push_str(part)),
    }
    let mut header = Zeroizing::new(String::with_capacity(prefix.len() + pair.len().div_ceil(3) * 4));
    header.push_str(prefix);
    STANDARD.encode_string(pair.as_bytes(), &mut header);
    header
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
            let header = encode("", &config(&id, "form")?, &secret);
            let pair = String::from_utf8(STANDARD.decode(header.as_bytes())?)?;
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~%:".contains(c);
            prop_assert!(pair.chars().all(plain) && pair.matches(':').count() == 1, "{}", pair);
            let field = pair.replace(':', "=");
            let read: Vec<_> = form_urlencoded::parse(field.as_bytes()).into_owned().collect();
            prop_assert_eq!(read, vec![(id, secret)]);
        }

        #[test]
        fn s09_raw_is_what_was_given(id in "[^:\\pC]{1,40}", secret in "\\PC{1,40}") {
            let header = encode("", &config(&id, "raw")?, &secret);
            prop_assert_eq!(String::from_utf8(STANDARD.decode(header.as_bytes())?)?, format!("{id}:{secret}"));
        }
    }
}
