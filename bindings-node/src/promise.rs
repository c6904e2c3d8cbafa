//! What JavaScript awaits: it gets a ticket at once, and the answer later through the one function that it has given for all. A
//! promise of Node-API has a function between threads of its own, and to make and close that costs more than the rest of a call.

use std::cell::RefCell;
use std::sync::Arc;

use napi::bindgen_prelude::{Either, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use tokenwell::{Error, Pending};

use crate::failure::Answer;

type Settled = (u32, Answer);
/// It is weak: by itself it does not keep the program running.
type Settle = ThreadsafeFunction<Settled, (), FnArgs<Settled>, Status, false, true>;
/// What a call gives at once: a ticket, or the answer itself.
pub type Promised = Either<u32, Answer>;

/// What one copy of the JavaScript awaits: a worker has its own, and so has each registry of modules that a test runner makes.
struct Desk {
    settle: Arc<Settle>,
    /// Keeps the program running, and is never called: apart from the other, which this thread then need not lock.
    running: Settle,
    /// The last ticket.
    last: u32,
    /// Tickets that are out.
    waiting: u32,
}

thread_local! {
    /// By their numbers. They end with their thread.
    static DESKS: RefCell<Vec<Desk>> = const { RefCell::new(Vec::new()) };
}

/// Opens a desk for the function that is called with each ticket and its answer; the desk's number.
#[napi(catch_unwind)]
pub fn open_desk(settle: Function<'_, FnArgs<Settled>, ()>) -> Result<u32> {
    DESKS.with_borrow_mut(|desks| {
        let number = desks.len();
        let built = || {
            settle.build_threadsafe_function().weak::<true>().build_callback(move |context| {
                returned(number, &context.env)?;
                Ok(FnArgs::from(context.value))
            })
        };
        desks.push(Desk { settle: Arc::new(built()?), running: built()?, last: 0, waiting: 0 });
        Ok(number as u32)
    })
}

/// A ticket of this desk for the answer of a call. `convert` runs on the thread that has the answer.
pub fn ticket<T: Send + 'static>(
    env: &Env,
    desk: u32,
    pending: Pending<T>,
    convert: fn(std::result::Result<T, Error>) -> Answer,
) -> Result<Promised> {
    let (ticket, settle) = at(desk as usize, |desk| {
        if desk.waiting == 0 {
            keep_running(&mut desk.running, env, true)?;
        }
        desk.waiting += 1;
        desk.last = desk.last.wrapping_add(1);
        Ok((desk.last, desk.settle.clone()))
    })?;
    pending.then(move |result| {
        // JavaScript that has ended awaits nothing.
        settle.call((ticket, convert(result)), ThreadsafeFunctionCallMode::NonBlocking);
    });
    Ok(Either::A(ticket))
}

/// A ticket has come back.
fn returned(desk: usize, env: &Env) -> Result<()> {
    at(desk, |desk| {
        desk.waiting -= 1;
        if desk.waiting == 0 { keep_running(&mut desk.running, env, false) } else { Ok(()) }
    })
}

/// Whether the program runs on though it has nothing else to do.
#[allow(deprecated, reason = "napi's advice is a new function for each wait")]
fn keep_running(running: &mut Settle, env: &Env, on: bool) -> Result<()> {
    if on { running.refer(env) } else { running.unref(env) }
}

fn at<T>(desk: usize, work: impl FnOnce(&mut Desk) -> Result<T>) -> Result<T> {
    DESKS.with_borrow_mut(|desks| {
        work(desks.get_mut(desk).ok_or_else(|| napi::Error::from_reason("there is no such desk"))?)
    })
}
