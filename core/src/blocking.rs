//! The calls of [`Client`] for threads that wait.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::client::Client;
use crate::engine::Uncancelled;
use crate::error::Error;
use crate::pending::{Answer, Pending};
use crate::request::TokenRequest;
use crate::token::{AccessToken, TokenValue};

/// A client's calls that block the thread. Each wait is bounded by the client's `timeout`.
#[derive(Clone, Copy, Debug)]
pub struct Blocking<'a>(&'a Client);

impl<'a> Blocking<'a> {
    #[inline]
    pub(crate) fn new(client: &'a Client) -> Blocking<'a> {
        Blocking(client)
    }

    /// As [`Client::token`].
    ///
    /// # Errors
    /// As [`Client::token`].
    #[inline]
    pub fn token(&self) -> Result<TokenValue, Error> {
        self.access_token().map(TokenValue)
    }

    /// As [`Client::access_token`].
    ///
    /// # Errors
    /// As [`Client::token`].
    #[inline]
    pub fn access_token(&self) -> Result<AccessToken, Error> {
        match self.0.at_hand(Duration::ZERO) {
            Some(token) => Ok(token),
            None => self.obtained(),
        }
    }

    #[cold]
    fn obtained(&self) -> Result<AccessToken, Error> {
        wait(|| self.0.obtain(&TokenRequest::default()))
    }

    /// As [`Client::access_token_with`].
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn access_token_with(&self, request: &TokenRequest) -> Result<AccessToken, Error> {
        let _uncancelled = Uncancelled::new();
        match self.0.cached(request) {
            Some(token) => Ok(token),
            None => self.obtained_with(request),
        }
    }

    #[cold]
    fn obtained_with(&self, request: &TokenRequest) -> Result<AccessToken, Error> {
        wait(|| self.0.obtain(request))
    }

    /// As [`Client::authorization`].
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn authorization(&self) -> Result<String, Error> {
        self.access_token().map(|token| token.authorization().to_owned())
    }

    /// As [`Client::revoke`].
    ///
    /// # Errors
    /// As [`Client::revoke`].
    #[cold]
    pub fn revoke(&self) -> Result<(), Error> {
        wait(|| self.0.revoke())
    }

    /// As [`Client::introspect`].
    ///
    /// # Errors
    /// As [`Client::introspect`].
    #[cold]
    pub fn introspect(&self) -> Result<Map<String, Value>, Error> {
        wait(|| self.0.introspect())
    }
}

fn wait<T>(call: impl FnOnce() -> Pending<T>) -> Answer<T> {
    let _uncancelled = Uncancelled::new();
    let mut pending = call();
    loop {
        if let Some(answer) = pending.wait(Duration::MAX) {
            return answer;
        }
    }
}
