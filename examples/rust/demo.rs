//! Asks for a token twice and prints, for each call, a line of JSON: where it came from and how long it took.

use std::time::Instant;

use tokenwell::{Client, Error};

fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    for _ in 0..2 {
        let started = Instant::now();
        let token = client.blocking().access_token()?;
        let seconds = started.elapsed().as_secs_f64();
        let line = serde_json::json!({
            "call": "client.blocking().access_token()",
            "token": &token.value()[..6],
            "seconds": seconds,
            "source": token.source().as_str(),
        });
        println!("{line}");
    }
    Ok(())
}
