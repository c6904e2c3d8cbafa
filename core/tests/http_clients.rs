//! The HTTP clients that the user has already: reqwest, and tower over hyper's client.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use reqwest_middleware::reqwest;
use serde_json::{Value, json};
use support::realm::Realm;
use tokenwell::reqwest::TokenwellMiddleware;
use tokenwell::tower::TokenwellLayer;
use tokenwell::{Client, Config, ErrorKind};
use tokenwell_dev_server::{DevServer, Options};
use tower::{Layer, ServiceExt};

#[allow(dead_code)] // the scenarios need more of it
mod support;

type Outcome = Result<(u16, String), Box<dyn Error + Send + Sync>>;

#[derive(Clone, Copy, Debug)]
enum Door {
    Reqwest,
    Tower,
}

const DOORS: [Door; 2] = [Door::Reqwest, Door::Tower];

impl Door {
    fn send(self, client: &Client, url: &str, body: &'static str) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            match self {
                Door::Reqwest => by_reqwest(client, url, body.into()).await,
                Door::Tower => by_tower(client, url, body).await,
            }
        })
    }
}

async fn by_reqwest(client: &Client, url: &str, body: reqwest::Body) -> Outcome {
    // The workspace's reqwest comes without a provider of TLS; who made one already keeps it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let inner = reqwest::Client::builder().no_proxy().build()?;
    let http = reqwest_middleware::ClientBuilder::new(inner).with(TokenwellMiddleware::new(client.clone())).build();
    let answer = http.post(url).header("Authorization", "Basic Zm9yOmdvdHRlbg==").body(body).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

async fn by_tower(client: &Client, url: &str, body: &'static str) -> Outcome {
    let clone = |body: &Full<Bytes>| Some(body.clone());
    let http = legacy::Client::builder(TokioExecutor::new()).build_http();
    let http = TokenwellLayer::new(client.clone()).clone_body(clone).layer(http);
    let request = Request::post(url).header("Authorization", "Basic Zm9yOmdvdHRlbg==").body(Full::from(body))?;
    let answer = http.oneshot(request).await?;
    let status = answer.status().as_u16();
    Ok((status, String::from_utf8(answer.into_body().collect().await?.to_bytes().into())?))
}

/// What reached a resource: its path, its `Authorization` header and its body.
type Seen = (String, Option<String>, String);

/// Answers as its path says: `/ok`; `/redirect?URL`; `/refuse/CHALLENGE` refuses the first token, `/refuse-all/CHALLENGE` each.
struct Resource {
    origin: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Resource {
    fn start() -> Resource {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let log = seen.clone();
        std::thread::spawn(move || {
            listener.incoming().flatten().for_each(|stream| serve(stream, &log).unwrap_or_default());
        });
        Resource { origin, seen }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tokens(&self) -> Vec<Option<String>> {
        self.seen().into_iter().map(|(_, authorization, _)| authorization).collect()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Seen>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut authorization, mut length) = (None, 0);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => authorization = Some(value.to_owned()),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap_or(0),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let first = log.iter().all(|(_, known, _)| *known == authorization);
    log.push((path.clone(), authorization, body.clone()));
    let challenge = |name| match name {
        "scope" => "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n",
        "two" => "WWW-Authenticate: Basic realm=\"a\"\r\nWWW-Authenticate: Bearer error=invalid_token\r\n",
        "odd" => "WWW-Authenticate: Bearer realm=\"error=\\\"odd\\\"\", error=\"invalid_token\"\r\n",
        _ => "",
    };
    let refusal = path.strip_prefix("/refuse-all/").or(path.strip_prefix("/refuse/").filter(|_| first));
    let (head, text) = match (path.strip_prefix("/redirect?"), refusal) {
        (Some(to), _) => (format!("307 There\r\nLocation: {to}\r\n"), "elsewhere".to_owned()),
        (_, Some(name)) => (format!("401 No\r\n{}", challenge(name)), "refused".to_owned()),
        _ => ("200 OK\r\n".to_owned(), body),
    };
    write!(stream, "HTTP/1.1 {head}Content-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
}

fn realm(server: &DevServer, settings: &Value) -> Realm {
    Realm::new(&server.info().control, settings)
}

fn client(realm: &Realm, more: &Value) -> Client {
    let mut options = realm.fill(&json!({
        "token_endpoint": "${token_endpoint}", "client_id": "${client_id}", "client_secret": "${client_secret}"
    }));
    options.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    Client::new(Config::from_json(options.to_string().as_bytes()).expect("options")).expect("a client")
}

fn bearer(client: &Client) -> Option<String> {
    client.blocking().authorization().ok()
}

#[test]
fn the_token_is_sent_in_place_of_any_other() {
    let server = DevServer::start(Options::default()).unwrap();
    for door in DOORS {
        let (realm, resource) = (realm(&server, &json!({})), Resource::start());
        let client = client(&realm, &json!({}));
        for _ in 0..2 {
            assert_eq!(door.send(&client, &resource.at("/ok"), "text").unwrap(), (200, "text".to_owned()), "{door:?}");
        }
        assert_eq!(resource.tokens(), [bearer(&client), bearer(&client)]);
        assert_eq!(realm.log()["requests"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn a_refused_token_is_replaced_once() {
    let server = DevServer::start(Options::default()).unwrap();
    for (door, challenge) in
        DOORS.into_iter().flat_map(|door| ["odd", "two", "none"].map(|challenge| (door, challenge)))
    {
        let (realm, resource) = (realm(&server, &json!({})), Resource::start());
        let client = client(&realm, &json!({}));
        let answer = door.send(&client, &resource.at(&format!("/refuse/{challenge}")), "again").unwrap();
        assert_eq!(answer, (200, "again".to_owned()), "{door:?} {challenge}");
        let tokens = resource.tokens();
        assert_ne!(tokens[0], tokens[1]);
        assert_eq!(tokens[1..], [bearer(&client)]);
    }
}

#[test]
fn a_resource_that_refuses_every_token_is_asked_twice_and_one_that_wants_more_scope_once() {
    let server = DevServer::start(Options::default()).unwrap();
    for (door, (challenge, times)) in
        DOORS.into_iter().flat_map(|door| [("odd", 2), ("scope", 1)].map(|row| (door, row)))
    {
        let (realm, resource) = (realm(&server, &json!({})), Resource::start());
        let client = client(&realm, &json!({}));
        let answer = door.send(&client, &resource.at(&format!("/refuse-all/{challenge}")), "").unwrap();
        assert_eq!(answer, (401, "refused".to_owned()), "{door:?} {challenge}");
        assert_eq!((resource.tokens().len(), realm.log()["requests"].as_array().map(Vec::len)), (times, Some(times)));
    }
}

#[test]
fn no_request_without_a_token() {
    let server = DevServer::start(Options::default()).unwrap();
    for door in DOORS {
        let (realm, resource) = (realm(&server, &json!({})), Resource::start());
        realm.script(&json!([{"status": 400, "json": {"error": "invalid_client"}, "times": -1}]));
        let error = door.send(&client(&realm, &json!({})), &resource.at("/ok"), "").unwrap_err();
        let found = match error.downcast_ref::<reqwest_middleware::Error>() {
            Some(reqwest_middleware::Error::Middleware(inner)) => inner.downcast_ref::<tokenwell::Error>(),
            _ => error.downcast_ref::<tokenwell::Error>(),
        };
        let found = found.expect("the library's error");
        assert_eq!((found.kind(), found.code()), (ErrorKind::Server, "invalid_client"), "{door:?}");
        assert_eq!(resource.seen(), []);
    }
}

#[test]
fn s29_a_bound_token_goes_with_its_proof_and_the_nonce_of_the_resource() {
    let server = DevServer::start(Options::default()).unwrap();
    for door in DOORS {
        let realm = realm(&server, &json!({"dpop": "required", "dpop_nonce": true}));
        let client = client(&realm, &json!({"dpop": true}));
        let resource = realm.vars["resource"].as_str().expect("a text");
        assert_eq!(door.send(&client, resource, "text").unwrap().0, 200, "{door:?}");
        assert_eq!(client.stats().invalidations, 0);
    }
}

#[test]
fn reqwest_takes_no_token_to_another_origin() {
    let server = DevServer::start(Options::default()).unwrap();
    let (realm, resource, other) = (realm(&server, &json!({})), Resource::start(), Resource::start());
    let client = client(&realm, &json!({}));
    let to = |place: &Resource, path: &str| resource.at(&format!("/redirect?{}", place.at(path)));
    assert_eq!(Door::Reqwest.send(&client, &to(&resource, "/ok"), "").unwrap().0, 200);
    assert_eq!(resource.tokens(), [bearer(&client), bearer(&client)]);
    assert_eq!(Door::Reqwest.send(&client, &to(&other, "/refuse-all/odd"), "").unwrap().0, 401);
    assert_eq!(other.tokens(), [None]);
    assert_eq!(realm.log()["requests"].as_array().map(Vec::len), Some(1), "another origin gave up the token");
}

#[test]
fn tower_sends_a_body_once_unless_told_how_to_clone_it() {
    let server = DevServer::start(Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (body, times) in [("text", 1), ("", 2)] {
        let (realm, resource) = (realm(&server, &json!({})), Resource::start());
        let client = client(&realm, &json!({}));
        let http = legacy::Client::builder(TokioExecutor::new()).build_http();
        let http = TokenwellLayer::new(client.clone()).layer(http);
        let request = Request::post(resource.at("/refuse-all/odd")).body(Full::<Bytes>::from(body)).unwrap();
        let answer = runtime.block_on(http.oneshot(request)).unwrap();
        assert_eq!((answer.status().as_u16(), resource.seen().len()), (401, times));
        // Not sent again, but given up: the next request has another token.
        assert_ne!(bearer(&client), resource.tokens()[0]);
    }
}
