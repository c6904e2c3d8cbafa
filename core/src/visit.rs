//! One request to a resource and its repeats: its headers, and what a refusal says about them (RFC 6750 section 3, RFC 9449
//! sections 7 and 9).

use std::fmt;

use http_auth::parse_challenges;
use hyper::http::header::{AUTHORIZATION, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::{HeaderMap, StatusCode};

use crate::client::Client;
use crate::error::Error;
use crate::token::AccessToken;

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// At most one repeat with a newer token, and one with the nonce of the resource.
pub(crate) struct Visit {
    client: Client,
    sent: AccessToken,
    renewed: bool,
    noted: bool,
    same_token_helps: bool,
}

impl Visit {
    pub(crate) async fn new(client: &Client) -> Result<Visit, Error> {
        Ok(Visit {
            client: client.clone(),
            sent: client.access_token().await?,
            renewed: false,
            noted: false,
            same_token_helps: false,
        })
    }

    /// Sets the token, in place of any other, and where it is bound to a key a new proof.
    pub(crate) fn set(
        &self,
        headers: &mut HeaderMap,
        method: impl fmt::Display,
        url: impl fmt::Display,
    ) -> Result<(), Error> {
        headers.insert(AUTHORIZATION, sensitive(self.sent.authorization())?);
        if self.sent.token_type() == "DPoP" {
            let proof = self.client.dpop_proof(&method.to_string(), &url.to_string(), self.sent.value())?;
            headers.insert(DPOP, sensitive(&proof)?);
        }
        Ok(())
    }

    /// Whether a repeat may help. The nonce of the answer is kept, and a token that is not valid is given up.
    pub(crate) fn refused(&mut self, url: impl fmt::Display, status: StatusCode, headers: &HeaderMap) -> bool {
        let nonce = headers.get(DPOP_NONCE).and_then(|nonce| nonce.to_str().ok());
        if let Some(nonce) = nonce {
            self.client.dpop_nonce(&url.to_string(), nonce);
        }
        if status != StatusCode::UNAUTHORIZED {
            return false;
        }
        let errors = errors(headers);
        let names = |error| errors.iter().any(|named| named == error);
        self.same_token_helps = nonce.is_some() && names("use_dpop_nonce") && !self.noted;
        if self.same_token_helps {
            self.noted = true;
            return true;
        }
        if self.renewed || !(errors.is_empty() || names("invalid_token")) {
            return false;
        }
        self.renewed = true;
        self.client.invalidate(self.sent.value());
        true
    }

    /// Whether there is a token for the repeat, after [`Visit::refused`]: a newer one, or the same if that helps.
    pub(crate) async fn renew(&mut self) -> Result<bool, Error> {
        let token = self.client.access_token().await?;
        let newer = token.value() != self.sent.value();
        self.sent = token;
        Ok(newer || self.same_token_helps)
    }
}

/// Neither shown by `Debug` nor put into a table of header compression (RFC 7541 section 7.1.3).
fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Error::internal("a header cannot hold this token"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The `error` of each challenge. What is no challenge names none.
fn errors(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let challenges = values.filter_map(|value| parse_challenges(value).ok()).flatten();
    let parameters = challenges.flat_map(|challenge| challenge.params);
    parameters.filter(|(name, _)| name.eq_ignore_ascii_case("error")).map(|(_, value)| value.to_unescaped()).collect()
}
