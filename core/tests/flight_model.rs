//! The board of flights under every order of events that its locks allow (loom): no lost wake-up, no second flight, no wait
//! that never ends.

#[path = "../src/flight/board.rs"]
#[allow(dead_code)]
mod board;
mod sync {
    pub(crate) use loom::sync::{Arc, Mutex, MutexGuard, RwLock};
}

use std::future::Future;
use std::pin::pin;
use std::task::Context;

use board::{Board, Boarding};
use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

/// Three preemptions find what is to be found in so small a program; all of them take minutes.
fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

type Outcome = Result<usize, &'static str>;

/// The world around the board: one key, its kept token, and the server's count of requests.
struct World {
    board: Board<u8, Outcome>,
    kept: Mutex<Option<usize>>,
    requests: AtomicUsize,
    working: bool,
}

impl World {
    fn new(working: bool) -> Arc<World> {
        Arc::new(World { board: Board::new(), kept: Mutex::new(None), requests: AtomicUsize::new(0), working })
    }

    fn look(&self) -> Option<usize> {
        *self.kept.lock().expect("no panic holds it")
    }

    /// A caller: the kept token, or the flight.
    fn call(&self) -> Outcome {
        if let Some(token) = self.look() {
            return Ok(token);
        }
        match self.board.ask(&1, || self.look(), || Err("crashed")) {
            Boarding::Landed(token) => Ok(token),
            Boarding::Joined(wait) => block_on(wait),
            Boarding::Leads(leader, wait) => {
                leader.land(self.fetch());
                block_on(wait)
            }
        }
    }

    /// The server: tokens are numbered from 1.
    fn fetch(&self) -> Outcome {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        if !self.working {
            return Err("down");
        }
        *self.kept.lock().expect("no panic holds it") = Some(number);
        Ok(number)
    }

    /// Compares and clears, as `invalidate` does.
    fn invalidate(&self, token: usize) {
        let mut kept = self.kept.lock().expect("no panic holds it");
        if *kept == Some(token) {
            *kept = None;
        }
    }
}

#[test]
fn f22_cold_callers_are_one_request() {
    model(|| {
        let world = World::new(true);
        let other = {
            let world = world.clone();
            thread::spawn(move || world.call())
        };
        let mine = world.call();
        assert_eq!((mine, other.join().unwrap()), (Ok(1), Ok(1)));
        assert_eq!(world.requests.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn f24_a_failure_reaches_all_who_wait_and_the_next_may_try_again() {
    model(|| {
        let world = World::new(false);
        let other = {
            let world = world.clone();
            thread::spawn(move || world.call())
        };
        assert_eq!((world.call(), other.join().unwrap()), (Err("down"), Err("down")));
        assert_eq!(world.call(), Err("down"));
    });
}

#[test]
fn f23_a_leader_that_is_lost_wakes_those_who_wait() {
    model(|| {
        let world = World::new(true);
        let Boarding::Leads(leader, wait) = world.board.ask(&1, || None::<usize>, || Err("crashed")) else {
            panic!("leads")
        };
        let other = {
            let world = world.clone();
            thread::spawn(move || world.call())
        };
        drop(leader);
        assert_eq!(block_on(wait), Err("crashed"));
        // It joined the lost flight, or came after it and flew itself.
        assert!(matches!(other.join().unwrap(), Err("crashed") | Ok(1)));
    });
}

#[test]
fn f23_a_caller_that_goes_away_takes_nobody_with_it() {
    model(|| {
        let world = World::new(true);
        let Boarding::Leads(leader, wait) = world.board.ask(&1, || None::<usize>, || Err("crashed")) else {
            panic!("leads")
        };
        let gone = {
            let world = world.clone();
            thread::spawn(move || {
                if let Boarding::Joined(wait) = world.board.ask(&1, || world.look(), || Err("crashed")) {
                    let mut wait = pin!(wait);
                    let _ = wait.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()));
                }
            })
        };
        leader.land(world.fetch());
        assert_eq!(block_on(wait), Ok(1));
        gone.join().unwrap();
    });
}

#[test]
fn f29_invalidate_racing_with_a_refresh_never_gives_up_the_new_token() {
    model(|| {
        let world = World::new(true);
        assert_eq!(world.call(), Ok(1));
        world.invalidate(1);
        let refresh = {
            let world = world.clone();
            thread::spawn(move || world.call())
        };
        // A second caller reports the same old token late.
        world.invalidate(1);
        assert_eq!(refresh.join().unwrap(), Ok(2));
        assert_eq!((world.look(), world.requests.load(Ordering::SeqCst)), (Some(2), 2));
    });
}
