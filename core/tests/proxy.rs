//! S05: the way through a proxy, with a small one that opens tunnels (RFC 9110 section 9.3.6).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::json;
use tokenwell::{AccessToken, Client, Config, Error};
use tokenwell_dev_server::{DevServer, Options};

/// Answers each connection so; the heads of the requests come through the channel.
fn proxy(answer: &'static str) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (heads, seen) = channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = BufReader::new(client.expect("a connection"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                client.read_line(&mut head).expect("a head");
            }
            let target = head.split(' ').nth(1).expect("a target").to_owned();
            heads.send(head).expect("the test looks");
            let mut client = client.into_inner();
            client.write_all(answer.as_bytes()).expect("an answer");
            if answer.starts_with("HTTP/1.1 200") {
                let server = TcpStream::connect(target).expect("the server");
                pass(client.try_clone().expect("a second handle"), server.try_clone().expect("a second handle"));
                pass(server, client);
            }
        }
    });
    (address, seen)
}

/// Carries bytes one way until they end.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            if to.write_all(&chunk[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

fn fetch(proxy: &str) -> (Result<AccessToken, Error>, String) {
    let server = DevServer::start(Options::default()).expect("a server");
    let info = server.info();
    let options = json!({
        "token_endpoint": info.https_token_endpoint, "client_id": info.client_id, "client_secret": info.client_secret,
        "tls_ca_file": info.ca_file, "proxy": proxy,
    });
    let client = Client::new(Config::from_value(options).expect("options")).expect("a client");
    let endpoint = info.https_token_endpoint.clone();
    (client.blocking().access_token(), endpoint)
}

#[test]
fn s05_a_tunnel_carries_the_request_and_the_proxy_sees_its_own_credential_alone() {
    let (address, seen) = proxy("HTTP/1.1 200 Connection established\r\n\r\n");
    let (token, endpoint) = fetch(&format!("http://us%65r:pass%40word@{address}"));
    assert!(!token.unwrap().value().is_empty());
    let target = endpoint.strip_prefix("https://").unwrap().strip_suffix("/token").unwrap();
    let head = seen.recv().unwrap().to_ascii_lowercase();
    assert!(head.starts_with(&format!("connect {target} http/1.1\r\nhost: {target}\r\n")), "{head}");
    assert!(head.contains("\r\nproxy-authorization: basic dxnlcjpwyxnzqhdvcmq=\r\n"), "{head}");
    assert_eq!(head.matches("authorization").count(), 1, "{head}");
    assert!(seen.try_recv().is_err(), "one connection is enough");
}

#[test]
fn s05_a_proxy_that_refuses_is_named_with_its_status() {
    let (address, _seen) = proxy("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    let error = fetch(&format!("http://{address}")).0.unwrap_err();
    assert_eq!((error.code(), error.retryable()), ("proxy", true));
    assert!(error.message().contains("407"), "{error}");
}

#[test]
fn s05_a_proxy_that_hangs_up_or_talks_nonsense_is_named() {
    for answer in ["", "nonsense\r\n\r\n"] {
        let (address, _seen) = proxy(answer);
        assert_eq!(fetch(&format!("http://{address}")).0.unwrap_err().code(), "proxy", "{answer:?}");
    }
}
