//! F08: a kept connection on which the server sent more than it was asked for is not used again: what came would be taken for
//! the next answer, with one client's token for another.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::json;
use tokenwell::{Answer, Client, Config, TokenRequest};

fn read_request(from: &mut BufReader<TcpStream>) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            return from.read_exact(&mut vec![0; length]).ok();
        }
    }
}

fn answer(number: u32) -> String {
    let body =
        json!({"access_token": format!("token-{number}"), "token_type": "Bearer", "expires_in": 3600}).to_string();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Answers each request with a token of its own, and with what goes along, and does more when it is told that the answer has been
/// read; says when it has.
fn serve(along: String, more: fn(&mut TcpStream)) -> (String, Sender<()>, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}/token", listener.local_addr().expect("an address"));
    let ((tell, told), (say, said)) = (channel(), channel());
    thread::spawn(move || {
        let mut numbers = 0..;
        for mut stream in listener.incoming().map(|stream| stream.expect("a connection")) {
            let mut from = BufReader::new(stream.try_clone().expect("a second handle"));
            while read_request(&mut from).is_some() {
                stream.write_all((answer(numbers.next().expect("a number")) + &along).as_bytes()).expect("an answer");
                if told.recv().is_err() {
                    return;
                }
                more(&mut stream);
                say.send(()).expect("the test listens");
            }
        }
    });
    (endpoint, tell, said)
}

/// A thread that waits, and one that does not, which sends its requests by itself where a connection is open.
const ASKED: [fn(&Client) -> Answer; 2] = [
    |client| client.blocking().access_token(),
    |client| {
        let (sender, receiver) = channel();
        client.obtain(&TokenRequest::default()).then(move |answer| sender.send(answer).expect("the test listens"));
        receiver.recv().expect("an answer")
    },
];

/// Each client gets its own token, with one request for it.
fn own_tokens(along: &str, more: fn(&mut TcpStream)) {
    ASKED.into_iter().for_each(|ask| own_tokens_of(ask, along.to_owned(), more));
}

fn own_tokens_of(ask: fn(&Client) -> Answer, along: String, more: fn(&mut TcpStream)) {
    let (endpoint, tell, said) = serve(along, more);
    // The exclusive kind, which repeats nothing that may have issued a token.
    let options = json!({
        "token_endpoint": endpoint, "client_id": "id", "client_secret": "secret", "cache": "none", "provider": "zoom",
    });
    let client = Client::new(Config::from_value(options).expect("options")).expect("a client");
    for number in 0..20 {
        assert_eq!(ask(&client).expect("a token").value(), format!("token-{number}"));
        tell.send(()).expect("the server listens");
        said.recv().expect("the server did more");
    }
}

#[test]
fn f08_a_second_answer_is_nobodys() {
    own_tokens(&answer(1_000_000), |_| ());
    own_tokens("", |stream| stream.write_all(answer(1_000_000).as_bytes()).expect("an answer"));
}

#[test]
fn f08_a_connection_that_was_closed_meanwhile_costs_no_repeat() {
    own_tokens("", |stream| stream.shutdown(std::net::Shutdown::Both).expect("an end"));
}
