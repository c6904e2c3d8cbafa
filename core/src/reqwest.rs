//! Tokens in reqwest, by the chain of [`reqwest_middleware`] (feature `reqwest`).
//!
//! ```no_run
//! # fn example(client: tokenwell::Client) {
//! let http = reqwest_middleware::ClientBuilder::new(reqwest_middleware::reqwest::Client::new())
//!     .with(tokenwell::reqwest::TokenwellMiddleware::new(client))
//!     .build();
//! # }
//! ```

use hyper::http::Extensions;
use reqwest_middleware::reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::client::Client;
use crate::visit::Visit;

/// Sets the `Authorization` header, and tries once more with a new token where a 401 says that this one is not valid. A token
/// that is bound to a key (`dpop`) goes with its proof, and once more with the nonce that a resource asks for.
///
/// Without a token nothing is sent: [`Error::Middleware`] holds the [`tokenwell::Error`](crate::Error). Like any `Authorization`
/// header of reqwest, it is not sent to another origin after a redirect. A body that cannot be sent again (a stream) is sent
/// once.
#[derive(Clone, Debug)]
pub struct TokenwellMiddleware(Client);

impl TokenwellMiddleware {
    /// Requests with the tokens of this client.
    pub fn new(client: Client) -> TokenwellMiddleware {
        TokenwellMiddleware(client)
    }
}

#[async_trait::async_trait]
impl Middleware for TokenwellMiddleware {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let mut visit = Visit::new(&self.0).await.map_err(Error::middleware)?;
        loop {
            let (method, url) = (request.method().clone(), request.url().clone());
            visit.set(request.headers_mut(), &method, &url).map_err(Error::middleware)?;
            let again = request.try_clone();
            let response = next.clone().run(request, extensions).await?;
            // Another origin was sent no token, so it refused none.
            let same_origin = response.url().origin() == url.origin();
            if !same_origin || !visit.refused(response.url(), response.status(), response.headers()) {
                return Ok(response);
            }
            let Some(again) = again else { return Ok(response) };
            if !visit.renew().await.map_err(Error::middleware)? {
                return Ok(response);
            }
            request = again;
        }
    }
}
