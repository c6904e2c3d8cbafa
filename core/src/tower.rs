//! Tokens in any [`tower_service::Service`] that takes HTTP requests, hyper's clients for one (feature `tower`).
//!
//! ```no_run
//! # fn example<S>(client: tokenwell::Client, http: S) {
//! use tower_layer::Layer;
//! let http = tokenwell::tower::TokenwellLayer::new(client).layer(http);
//! # }
//! ```

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Body;
use hyper::http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::client::Client;
use crate::visit::Visit;

type BoxError = Box<dyn Error + Send + Sync>;

/// Sets the `Authorization` header, and tries once more with a new token where a 401 says that this one is not valid. A token
/// that is bound to a key (`dpop`) goes with its proof, and once more with the nonce that a resource asks for.
///
/// Without a token nothing is sent: the error is a [`tokenwell::Error`](crate::Error). A request with a body is sent once,
/// unless [`TokenwellLayer::clone_body`] says how to send it again. Put a layer that follows redirects inside of this one:
/// outside of it, the token would be set on each request that it makes, whatever the origin.
#[derive(Clone, Debug)]
pub struct TokenwellLayer<C = Once> {
    client: Client,
    bodies: C,
}

/// What a second request is sent with.
pub trait CloneBody<B> {
    /// The same body once more; `None`: it cannot be sent again.
    fn clone_body(&self, body: &B) -> Option<B>;
}

/// A request without a body is sent again, one with a body is not.
#[derive(Clone, Copy, Debug)]
pub struct Once;

impl<B: Body + Default> CloneBody<B> for Once {
    fn clone_body(&self, body: &B) -> Option<B> {
        body.is_end_stream().then(B::default)
    }
}

impl<B, F: Fn(&B) -> Option<B>> CloneBody<B> for F {
    fn clone_body(&self, body: &B) -> Option<B> {
        self(body)
    }
}

impl TokenwellLayer {
    /// Requests with the tokens of this client.
    pub fn new(client: Client) -> TokenwellLayer {
        TokenwellLayer { client, bodies: Once }
    }

    /// How a body is sent again, for example `|body: &Full<Bytes>| Some(body.clone())`.
    pub fn clone_body<B, F: Fn(&B) -> Option<B> + Clone>(self, clone: F) -> TokenwellLayer<F> {
        TokenwellLayer { client: self.client, bodies: clone }
    }
}

impl<S, C: Clone> Layer<S> for TokenwellLayer<C> {
    type Service = Tokenwell<S, C>;

    fn layer(&self, inner: S) -> Tokenwell<S, C> {
        Tokenwell { client: self.client.clone(), bodies: self.bodies.clone(), inner }
    }
}

/// What [`TokenwellLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct Tokenwell<S, C = Once> {
    client: Client,
    bodies: C,
    inner: S,
}

impl<S, C, B, R> Service<Request<B>> for Tokenwell<S, C>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    C: CloneBody<B> + Clone + Send + 'static,
    B: Send + 'static,
    R: Send,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let (client, bodies) = (self.client.clone(), self.bodies.clone());
        // The one that is ready goes with the request; its clone has to become ready first.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let mut visit = Visit::new(&client).await?;
            loop {
                let (method, uri) = (request.method().clone(), request.uri().clone());
                visit.set(request.headers_mut(), &method, &uri)?;
                let again = again(&request, &bodies);
                let response = inner.call(request).await.map_err(Into::into)?;
                if !visit.refused(&uri, response.status(), response.headers()) {
                    return Ok(response);
                }
                let Some(again) = again else { return Ok(response) };
                if !visit.renew().await? {
                    return Ok(response);
                }
                request = again;
                drop(response);
                poll_fn(|context| inner.poll_ready(context)).await.map_err(Into::into)?;
            }
        })
    }
}

fn again<B>(request: &Request<B>, bodies: &impl CloneBody<B>) -> Option<Request<B>> {
    let mut again = Request::new(bodies.clone_body(request.body())?);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.version_mut() = request.version();
    *again.headers_mut() = request.headers().clone();
    *again.extensions_mut() = request.extensions().clone();
    Some(again)
}
