//! Many callers (CALLERS, default 200) ask for the token ten times a second. Each line on standard input moves the library's
//! clock by so many seconds, and is answered with a line of JSON before: the calls served and failed so far. Ends with the input.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokenwell::Client;

static SERVED: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);

fn call(client: &Client) -> ! {
    loop {
        let count = if client.blocking().token().is_ok() { &SERVED } else { &FAILED };
        count.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(100));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    let callers = std::env::var("CALLERS").map_or(Ok(200), |callers| callers.parse())?;
    for _ in 0..callers {
        let client = client.clone();
        thread::spawn(move || call(&client));
    }
    for line in std::io::stdin().lines() {
        let seconds = line?.trim().parse()?;
        println!(
            "{}",
            serde_json::json!({"served": SERVED.load(Ordering::Relaxed), "failed": FAILED.load(Ordering::Relaxed)})
        );
        tokenwell::testing::advance_clock(seconds);
    }
    Ok(())
}
