//! Tokenwell in Rust: the command line of a contestant (../../README.md), and `growth N CLIENTS THREADS [one]`.

use std::error::Error;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokenwell::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

fn client(cache: &str, audience: Option<String>) -> Result<Client, Failure> {
    let from = std::env::var;
    let mut builder = Client::builder()
        .token_endpoint(from("TOKEN_ENDPOINT")?)
        .client_id(from("CLIENT_ID")?)
        .client_secret(from("CLIENT_SECRET")?)
        .audience(audience)
        .cache(cache);
    if let Ok(file) = from("CA_FILE") {
        builder = builder.tls_ca_file(file);
    }
    if let Ok(scope) = from("SCOPE") {
        builder = builder.scope(scope);
    }
    Ok(builder.build()?)
}

/// What this process has worked so far.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// `calls` in each of `threads`, each of which asks the clients in turn.
fn cached(clients: &Arc<[Client]>, calls: usize, threads: usize) -> Result<Value, Failure> {
    let start = Arc::new(Barrier::new(threads));
    let workers: Vec<_> = (0..threads)
        .map(|thread| {
            let (clients, start) = (Arc::clone(clients), Arc::clone(&start));
            thread::spawn(move || -> Result<[(Instant, Duration); 2], tokenwell::Error> {
                let call = |number: usize| clients[(thread + number) % clients.len()].blocking().token();
                for number in 0..calls / 10 + 1 {
                    call(number)?;
                }
                start.wait();
                let began = (Instant::now(), cpu());
                let mut place = thread % clients.len();
                for _ in 0..calls {
                    black_box(clients[place].blocking().token()?);
                    place += 1;
                    if place == clients.len() {
                        place = 0;
                    }
                }
                Ok([began, (Instant::now(), cpu())])
            })
        })
        .collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.join().map_err(|_| "a thread panicked")??);
    }
    let (first, last) = times.iter().min().zip(times.iter().max()).ok_or("no thread")?;
    let (wall, cpu) = ((last.0 - first.0).as_nanos() as f64, (last.1 - first.1).as_nanos() as f64);
    let calls = calls as f64;
    Ok(json!({"ns": wall / calls, "cpu_ns": cpu / calls / threads as f64, "calls": calls * threads as f64}))
}

/// `count` calls as tasks, at most `at_once` of them at a time.
async fn tasks(client: &Client, count: usize, at_once: usize) -> Result<(), Failure> {
    let places = Arc::new(Semaphore::new(at_once));
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (client, place) = (client.clone(), Arc::clone(&places).acquire_owned().await?);
        tasks.spawn(async move {
            let token = client.token().await;
            drop(place);
            token.map(|token| token.len())
        });
        while let Some(done) = tasks.try_join_next() {
            done??;
        }
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// One after the other by the call that waits, many at once by tasks.
fn fetch(count: usize, at_once: usize) -> Result<Value, Failure> {
    let client = client("none", None)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let take = |count: usize| match at_once {
        1 => (0..count).try_for_each(|_| client.blocking().token().map(drop)).map_err(Failure::from),
        _ => runtime.block_on(tasks(&client, count, at_once)),
    };
    take(count / 10 + 1)?;
    let (began, worked) = (Instant::now(), cpu());
    take(count)?;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    Ok(json!({"cpu_us": each(cpu() - worked), "wall_us": each(began.elapsed())}))
}

/// So many tasks, each of which calls as soon as it is there.
async fn cold(callers: usize) -> Result<Value, Failure> {
    let client = client("memory", None)?;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let client = client.clone();
        tasks.spawn(async move {
            let begins = began.elapsed();
            client.token().await.map(|_| begins)
        });
    }
    let mut last = Duration::ZERO;
    while let Some(begins) = tasks.join_next().await {
        last = last.max(begins??);
    }
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(json!({"wall_ms": milliseconds(began.elapsed()), "last_ms": milliseconds(last), "callers": "tasks of tokio"}))
}

/// So many clients with a token each, their audiences being different.
fn many(count: usize) -> Result<Arc<[Client]>, Failure> {
    let clients: Vec<Client> =
        (0..count).map(|number| client("memory", Some(format!("api-{number}")))).collect::<Result<_, _>>()?;
    for one in &clients {
        one.blocking().token()?;
    }
    Ok(clients.into())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| arguments.get(place).map_or(Ok(1), |text| text.parse::<usize>());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = match arguments.first().map_or("", String::as_str) {
        "versions" => json!({"name": "Tokenwell", "version": env!("CARGO_PKG_VERSION")}),
        "once" => {
            client("memory", None)?.blocking().token()?;
            println!("ok");
            return Ok(());
        }
        "cached" => {
            let clients = Arc::from([client("memory", None)?]);
            cached(&clients, number(1)?, number(2)?)?
        }
        "growth" => {
            let clients = many(number(2)?)?;
            // With `one`, of all clients the first alone is asked.
            let asked = if arguments.last().is_some_and(|word| word == "one") {
                Arc::from(&clients[..1])
            } else {
                clients.clone()
            };
            cached(&asked, number(1)?, number(3)?)?
        }
        "fetch" => fetch(number(1)?, number(2)?)?,
        "cold" => runtime?.block_on(cold(number(1)?))?,
        other => return Err(format!("no mode is named {other:?}").into()),
    };
    println!("{answer}");
    Ok(())
}
