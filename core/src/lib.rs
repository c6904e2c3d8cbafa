//! Fetches, keeps and refreshes OAuth 2.0 access tokens of the client credentials grant (RFC 6749 section 4.4).
//!
//! While a valid token exists, no fault of the authorization server, the network or a cache reaches a caller. However many
//! callers ask at once, the server sees one request. No error, log or `Debug` shows a secret or a token.
//!
//! ```no_run
//! # async fn example() -> Result<(), tokenwell::Error> {
//! let client = tokenwell::Client::builder()
//!     .token_endpoint("https://login.example.com/oauth2/token")
//!     .client_id("my-service")
//!     .client_secret(std::env::var("CLIENT_SECRET").unwrap_or_default())
//!     .build()?;
//! let authorization = client.authorization().await?; // "Bearer ..."
//! let same = client.blocking().token()?; // from memory, no request
//! # Ok(())
//! # }
//! ```

mod aside;
mod auth;
mod blocking;
mod builder;
mod cache;
mod certificate;
mod client;
mod clock;
mod config;
mod credential;
#[doc(hidden)]
pub mod diagnosis;
mod discovery;
mod dpop;
mod drive;
mod engine;
mod error;
mod fetch;
mod first_step;
mod flight;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod grant;
mod hint;
mod inquiry;
mod jwt;
mod key;
mod lifecycle;
mod mailbox;
mod nap;
mod pending;
mod provider;
mod random;
mod request;
#[cfg(feature = "reqwest")]
pub mod reqwest;
mod response;
mod retry_after;
mod secret;
mod signer;
mod source;
mod stats;
mod strict;
pub mod testing;
mod token;
#[cfg(feature = "tower")]
pub mod tower;
mod transport;
#[cfg(any(feature = "reqwest", feature = "tower"))]
mod visit;

pub use blocking::Blocking;
pub use builder::ClientBuilder;
pub use client::Client;
pub use config::{AuthMethod, BasicEncoding, Config};
pub use error::{Error, ErrorKind};
pub use mailbox::Mailbox;
pub use pending::{Answer, Pending};
pub use request::TokenRequest;
pub use signer::Signer;
pub use stats::Stats;
pub use token::{AccessToken, Source, TokenValue};

/// The guide's function: a bearer string for a client id, a client secret and the URL of the token endpoint, each of which
/// comes from `TOKENWELL_CLIENT_ID`, `TOKENWELL_CLIENT_SECRET` or `TOKENWELL_TOKEN_ENDPOINT` where it is `None`. The token is
/// kept and refreshed between calls.
///
/// # Errors
/// Every failure is an error: `ConfigError` before anything is sent, else as [`Client::token`].
pub async fn get_token_by_client_id_and_client_secret(
    client_id: Option<String>,
    client_secret: Option<String>,
    authentication_url: Option<String>,
) -> Result<TokenValue, Error> {
    let config = Config::from_guide(client_id, client_secret, authentication_url)?;
    Client::new(config)?.token().await
}
