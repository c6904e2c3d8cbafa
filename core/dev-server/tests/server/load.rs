//! Many connections and many requests.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{Realm, split_url, start};

/// Both ends are in this process: twice as many files, well below the usual limit of 1,024.
const CONNECTIONS: usize = 400;
const REQUESTS: usize = 25;

#[tokio::test]
async fn ten_thousand_requests_on_kept_connections() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let address = split_url(realm.var("issuer")).0.to_owned();
    let request = realm.token_request();
    let before = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (address, request) = (address.clone(), request.clone());
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            for _ in 0..REQUESTS {
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut answer = Vec::new();
                while !answer.ends_with(b"}") {
                    assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
                }
                assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
            }
        });
    }
    clients.join_all().await;
    // A client can read its answer a moment before the server has finished with it.
    realm.wait_in_flight(0);
    let report = realm.report();
    assert_eq!(report["total"], CONNECTIONS * REQUESTS);
    assert_eq!(report["issued"].as_array().unwrap().len(), CONNECTIONS * REQUESTS);
    assert!(before.elapsed() < Duration::from_secs(60));
}
