//! Many callers (CALLERS, default 200) ask for the token ten times a second. Each line on standard input moves the library's
//! clock by so many seconds, and is answered with a line of JSON before: the calls served so far, those that failed, and how many
//! of these were early: a token was valid. Ends with the input.

use std::error::Error;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use tokenwell::Client;

static SERVED: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
static EARLY: AtomicU64 = AtomicU64::new(0);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// How far the library's clock has been moved, milliseconds: raised before that, and raised after it. While it is being moved a
/// caller takes the one by which fewer failures are early.
static AHEAD: AtomicU64 = AtomicU64::new(0);
static MOVED: AtomicU64 = AtomicU64::new(0);
/// When the last token ends on that clock.
static END: AtomicU64 = AtomicU64::new(0);

/// The library's clock since the start, milliseconds.
fn clock(moved: &AtomicU64) -> u64 {
    START.elapsed().as_millis() as u64 + moved.load(SeqCst)
}

fn call(client: &Client) -> ! {
    loop {
        let began = clock(&MOVED);
        match client.blocking().access_token() {
            Ok(token) => {
                SERVED.fetch_add(1, SeqCst);
                END.fetch_max(began + 1000 * token.expires_in(), SeqCst);
            }
            Err(_) => {
                FAILED.fetch_add(1, SeqCst);
                EARLY.fetch_add(u64::from(clock(&AHEAD) < END.load(SeqCst)), SeqCst);
            }
        }
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
        let seconds: f64 = line?.trim().parse()?;
        let [served, failed, early] = [&SERVED, &FAILED, &EARLY].map(|count| count.load(SeqCst));
        println!("{}", serde_json::json!({"served": served, "failed": failed, "early": early}));
        let by = (seconds * 1000.0) as u64;
        AHEAD.fetch_add(by, SeqCst);
        tokenwell::testing::advance_clock(seconds);
        MOVED.fetch_add(by, SeqCst);
    }
    Ok(())
}
