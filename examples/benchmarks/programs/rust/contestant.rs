//! What the peers in Rust share: the command line of a contestant (../../README.md).

use std::error::Error;
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

pub type Failure = Box<dyn Error + Send + Sync>;

/// A library that fetches and keeps no token.
pub trait Fetches: Sized + 'static {
    const NAME: &'static str;
    const VERSION: &'static str;

    /// What `at_once` fetches under way need, made once and kept.
    fn prepare(at_once: usize) -> impl Future<Output = Result<Self, Failure>>;

    /// Fetches a token; `place` is that of the caller, below `at_once`.
    fn fetch(&self, place: usize) -> impl Future<Output = Result<(), Failure>>;
}

pub fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

/// What this process has worked so far.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn fetch_all<F: Fetches>(its: &Rc<F>, count: usize, at_once: usize) -> Result<(), Failure> {
    let tasks = LocalSet::new();
    let workers: Vec<_> = (0..at_once)
        .map(|place| {
            let (its, share) = (Rc::clone(its), (count + at_once - 1 - place) / at_once);
            tasks.spawn_local(async move {
                for _ in 0..share {
                    its.fetch(place).await?;
                }
                Ok::<(), Failure>(())
            })
        })
        .collect();
    tasks.await;
    for worker in workers {
        worker.await??;
    }
    Ok(())
}

async fn measure<F: Fetches>(count: usize, at_once: usize) -> Result<(), Failure> {
    let its = Rc::new(F::prepare(at_once).await?);
    fetch_all(&its, at_once.max(count / 10), at_once).await?;
    let (began, worked) = (Instant::now(), cpu());
    fetch_all(&its, count, at_once).await?;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    println!("{}", json!({"cpu_us": each(cpu() - worked), "wall_us": each(began.elapsed())}));
    Ok(())
}

fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

pub fn play<F: Fetches>() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| arguments.get(place).map_or(Ok(1), |text| text.parse::<usize>());
    match arguments.first().map_or("", String::as_str) {
        "versions" => println!("{}", json!({"name": F::NAME, "version": F::VERSION})),
        "once" => {
            runtime()?.block_on(async { F::prepare(1).await?.fetch(0).await })?;
            println!("ok");
        }
        "fetch" => runtime()?.block_on(measure::<F>(number(1)?, number(2)?.max(1)))?,
        _ => {
            println!("keeps no token");
            std::process::exit(3);
        }
    }
    Ok(())
}
