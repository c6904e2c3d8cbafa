//! What JavaScript awaits: it gives the function that settles its promise, which is called with the answer by the one function
//! between threads that there is for all. A promise of Node-API has one of its own, and to make and close that costs more than the
//! rest of a call.

use std::cell::RefCell;
use std::sync::Arc;

use napi::bindgen_prelude::{FnArgs, Function, FunctionRef};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use slab::Slab;
use tokenwell::{Error, Pending};

use crate::failure::Answer;

/// Settles a promise with an answer.
pub type Settle<'a> = Function<'a, FnArgs<(Answer,)>, ()>;
/// What a call gives at once: the answer, or nothing if its promise will be settled.
pub type Promised = Option<Answer>;

/// It is weak: by itself it does not keep the program running.
type Bell = ThreadsafeFunction<(usize, Answer), (), (), Status, false, true>;

/// What this thread's JavaScript awaits. A copy of it, as each registry of modules has that a test runner makes, is held as long as it
/// awaits something, and no longer.
struct Desk {
    bell: Arc<Bell>,
    /// Keeps the program running, and is never called: apart from the other, which this thread then need not lock.
    running: Bell,
    awaited: Slab<FunctionRef<FnArgs<(Answer,)>, ()>>,
}

thread_local! {
    /// Made for the first that is awaited. It ends with its thread.
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// Has the promise settled with the answer of a call. `convert` runs on the thread that has the answer.
pub fn promised<T: Send + 'static>(
    env: &Env,
    settle: &Settle<'_>,
    pending: Pending<T>,
    convert: fn(std::result::Result<T, Error>) -> Answer,
) -> Result<Promised> {
    let settle = settle.create_ref()?;
    let (place, bell) = DESK.with_borrow_mut(|desk| {
        let desk = match desk {
            Some(desk) => desk,
            None => desk.insert(Desk { bell: Arc::new(bell(env)?), running: bell(env)?, awaited: Slab::new() }),
        };
        if desk.awaited.is_empty() {
            keep_running(&mut desk.running, env, true)?;
        }
        Ok::<_, napi::Error>((desk.awaited.insert(settle), desk.bell.clone()))
    })?;
    pending.then(move |result| {
        // JavaScript that has ended awaits nothing.
        bell.call((place, convert(result)), ThreadsafeFunctionCallMode::NonBlocking);
    });
    Ok(None)
}

fn bell(env: &Env) -> Result<Bell> {
    // Node-API wants a function to call. This one belongs to no copy of the JavaScript.
    let nothing: Function<'_, (), ()> = env.create_function_from_closure("settled", |_| Ok(()))?;
    nothing.build_threadsafe_function().weak::<true>().build_callback(|context| {
        let (place, answer) = context.value;
        settled(&context.env, place, answer)
    })
}

fn settled(env: &Env, place: usize, answer: Answer) -> Result<()> {
    let settle = DESK.with_borrow_mut(|desk| {
        let known = desk.as_mut().and_then(|desk| Some((desk.awaited.try_remove(place)?, desk)));
        let (settle, desk) = known.ok_or_else(|| napi::Error::from_reason("nobody awaits this"))?;
        if desk.awaited.is_empty() {
            keep_running(&mut desk.running, env, false)?;
        }
        Ok::<_, napi::Error>(settle)
    })?;
    settle.borrow_back(env)?.call(FnArgs::from((answer,)))
}

/// Whether the program runs on though it has nothing else to do.
#[allow(deprecated, reason = "napi's advice is a new function for each wait")]
fn keep_running(running: &mut Bell, env: &Env, on: bool) -> Result<()> {
    if on { running.refer(env) } else { running.unref(env) }
}
