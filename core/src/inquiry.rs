//! What a client asks about its own token beside getting it: to end it (RFC 7009), and what the server knows of it (RFC 7662).

use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout_at};

use crate::auth::{Attempt, authenticate, echoes};
use crate::config::Config;
use crate::credential;
use crate::discovery::{self, Service};
use crate::engine::Engine;
use crate::error::Error;
use crate::fetch::{is_repeatable, out_of_time};
use crate::first_step;
use crate::hint;
use crate::lifecycle;
use crate::provider::Semantics;
use crate::random;
use crate::request::Form;
use crate::response;
use crate::transport;

/// Ends a token. One that is not known is as good as ended (RFC 7009 section 2.2).
pub(crate) async fn revoke(engine: &Engine, config: &Config, token: &str) -> Result<(), Error> {
    ask(engine, config, Service::Revocation, token, response::acknowledgement).await
}

/// What the server says of a token: `active`, and what it likes.
pub(crate) async fn introspect(engine: &Engine, config: &Config, token: &str) -> Result<Map<String, Value>, Error> {
    ask(engine, config, Service::Introspection, token, response::introspection).await
}

/// Reads an answer: its status and its body, with the texts that must not come back in an error.
type Reader<T> = fn(u16, &[u8], &dyn Fn() -> Vec<String>) -> Result<T, Error>;

/// Asks until there is an answer or an error that stands, within `timeout` in all.
async fn ask<T>(engine: &Engine, config: &Config, service: Service, token: &str, read: Reader<T>) -> Result<T, Error> {
    let deadline = Instant::now() + config.timeout;
    first_step::only_if(|| engine.is_ready(config)).await;
    let search = async {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match once(engine, config, service, token, read).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = match is_repeatable(&error, Semantics::Independent) {
                true => lifecycle::next_attempt(attempts, error.wait(), left, random::unit()),
                false => None,
            };
            match wait {
                Some(wait) => sleep(wait).await,
                None => return Err(error),
            }
        }
    };
    let late = |_| Err(out_of_time(&format!("`{}`", service.name()), config));
    timeout_at(deadline, search).await.unwrap_or_else(late)
}

async fn once<T>(engine: &Engine, config: &Config, service: Service, token: &str, read: Reader<T>) -> Result<T, Error> {
    let credential = credential::read(config).await?;
    let route = engine.route(config, credential.certificate.as_ref());
    let http = engine.http(&route, credential.certificate.as_ref())?;
    let url = discovery::endpoint(engine, &http, &route, config, service).await?;
    let mut form = Form::default();
    form.add("token", token);
    form.add("token_type_hint", "access_token");
    let outgoing = authenticate(config, &credential, Attempt { endpoint: &url, clock_offset: 0 }, form).await?;
    let echoes = || {
        let mut echoes = echoes(config, &credential);
        echoes.push(token.to_owned());
        echoes
    };
    let reply = transport::post(&http, &url, outgoing).await?;
    read(reply.status, &reply.body, &echoes).map_err(|error| hint::advise(error, config))
}
