//! The life of a connection: request after request, each with its delay, fault and answer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::control;
use crate::http::{Connection, Incoming, Peer, Request, Transport};
use crate::realm::Realm;
use crate::response::{Body, Response};
use crate::route::{self, Endpoint, Target};
use crate::script::{Answer, Edits, Fault};
use crate::site::Site;
use crate::write::deliver;

/// How long a refused peer may take to read its answer.
const LINGER: Duration = Duration::from_secs(1);

/// What becomes of a connection after a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Next {
    Again,
    Close,
    Reset,
}

impl Next {
    /// Ends the connection where that is what follows; true when it has ended.
    async fn end<S: Transport>(self, connection: &mut Connection<S>) -> bool {
        match self {
            Next::Again => {}
            Next::Close => {
                let _ = connection.stream.shutdown().await;
            }
            // Without lingering, closing sends RST at once; a shutdown before it would send FIN.
            Next::Reset => {
                let _ = connection.stream.tcp().set_zero_linger();
            }
        }
        self != Next::Again
    }
}

/// Serves the endpoints of all realms until the peer goes away.
pub(crate) async fn serve<S: Transport>(stream: S, site: Arc<Site>, peer: Peer) {
    let mut connection = Connection::new(stream);
    let peer = Arc::new(peer);
    loop {
        let request = match connection.request().await {
            Incoming::Request(request) => Request { peer: Arc::clone(&peer), ..request },
            Incoming::Gone => return,
            Incoming::Refused(status) => return refuse(connection, status).await,
        };
        let next = match route::target(&site, &request.path) {
            Target::Realm(realm, endpoint) => visit(&mut connection, &realm, endpoint, &request).await,
            Target::Canary(realm) => {
                realm.canary_hit();
                write(&mut connection, bait(), None, &request).await
            }
            Target::Control(rest) => {
                let (status, value) = control::handle(&site, &request.method, &rest, &request.body);
                let response = Response::json(status, &value);
                write(&mut connection, response, None, &request).await
            }
            Target::Nowhere => {
                let response = Response::json(404, &json!({"error": "no such realm"}));
                write(&mut connection, response, None, &request).await
            }
        };
        if next.end(&mut connection).await {
            return;
        }
    }
}

/// Counts every request on any path, and answers as if it were a token endpoint.
pub(crate) async fn serve_canary<S: Transport>(stream: S, realm: Arc<Realm>) {
    let mut connection = Connection::new(stream);
    loop {
        match connection.request().await {
            Incoming::Request(request) => {
                realm.canary_hit();
                let next = write(&mut connection, bait(), None, &request).await;
                if next.end(&mut connection).await {
                    return;
                }
            }
            Incoming::Refused(status) => {
                realm.canary_hit();
                return refuse(connection, status).await;
            }
            Incoming::Gone => return,
        }
    }
}

/// A good-looking token, so that a client which follows a redirect is found out.
fn bait() -> Response {
    Response::json(200, &json!({"access_token": "canary", "token_type": "Bearer", "expires_in": 3600}))
}

/// One request to a realm.
async fn visit<S: Transport>(
    connection: &mut Connection<S>,
    realm: &Arc<Realm>,
    endpoint: Endpoint,
    request: &Request,
) -> Next {
    let _under_way = (endpoint == Endpoint::Token).then(|| realm.enter());
    let (number, answer) = realm.arrive(request, endpoint.script());
    let delay = answer.as_ref().map_or(Duration::ZERO, Answer::delay);
    if !delay.is_zero() {
        tokio::select! {
            () = connection.gone() => return Next::Close,
            () = realm.closed() => return Next::Close,
            () = tokio::time::sleep(delay) => {}
        }
    }
    let fault = answer.as_ref().and_then(|answer| answer.fault);
    match fault {
        Some(Fault::Hang) => {
            tokio::select! {
                () = connection.gone() => {}
                () = realm.closed() => {}
            }
            return Next::Close;
        }
        Some(Fault::Reset) => return Next::Reset,
        Some(Fault::Close) => return Next::Close,
        _ => {}
    }
    let real = |edits: Edits<'_>| endpoint.respond(realm, request, edits);
    let response = match &answer {
        Some(answer) => answer.respond(real, &realm.date()),
        None => real(Edits::default()).with_header("Date", realm.date()),
    };
    realm.set_status(number, response.status);
    tokio::select! {
        next = write(connection, response, fault, request) => next,
        () = realm.closed() => Next::Close,
    }
}

async fn write<S: Transport>(
    connection: &mut Connection<S>,
    mut response: Response,
    fault: Option<Fault>,
    request: &Request,
) -> Next {
    if request.method == "HEAD" {
        response.body = Body::Bytes(Vec::new());
    }
    match deliver(connection, response, fault, request.keep_alive).await {
        Ok(true) => Next::Again,
        Ok(false) | Err(_) => Next::Close,
    }
}

/// Answers what is no request, and gives the peer time to read that before the connection closes.
async fn refuse<S: Transport>(mut connection: Connection<S>, status: u16) {
    let farewell = async {
        deliver(&mut connection, Response::empty(status), None, false).await?;
        connection.stream.shutdown().await?;
        connection.drain().await;
        std::io::Result::Ok(())
    };
    let _ = tokio::time::timeout(LINGER, farewell).await;
}
