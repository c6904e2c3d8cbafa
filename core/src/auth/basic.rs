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
