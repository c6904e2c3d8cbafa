//! The first step of a task on the thread that asks for it and does not wait, as an event loop's: the request is on its way then,
//! and the driver need not be woken for it, whom the network tells of the answer. Only what holds nobody up is done there.

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::drive::{Drive, Task, has_ended};
use crate::secret::wipe_stack;

thread_local! {
    /// This thread takes a first step.
    static STEPPING: Cell<bool> = const { Cell::new(false) };
}

/// Every task begins with this: what comes next can be a part of its first step if it is `quick`. If not it is the driver's alone.
pub(crate) async fn only_if(quick: impl Fn() -> bool) {
    let step = |context: &mut Context<'_>| {
        if STEPPING.get() && !quick() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    };
    poll_fn(step).await;
}

/// A task between its first step and the next: whatever wakes it gives it to the driver.
struct Begun {
    drive: &'static Drive,
    rest: Mutex<Rest>,
}

#[derive(Default)]
struct Rest {
    woken: bool,
    task: Option<Task>,
}

impl Wake for Begun {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut rest = self.lock();
        rest.woken = true;
        let task = rest.task.take();
        drop(rest);
        // Most often from the driver's own thread, at its events.
        if let Some(task) = task {
            self.drive.go_on(task);
        }
    }
}

impl Begun {
    fn lock(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the first step; what is left, if it can go on. To be called inside the runtime.
pub(crate) fn take(drive: &'static Drive, mut task: Task) -> Option<Task> {
    let begun = Arc::new(Begun { drive, rest: Mutex::default() });
    let waker = Waker::from(begun.clone());
    STEPPING.set(true);
    let has_ended = has_ended(&mut task, &mut Context::from_waker(&waker));
    STEPPING.set(false);
    wipe_stack();
    if has_ended {
        return None;
    }
    let mut rest = begun.lock();
    if rest.woken {
        return Some(task);
    }
    rest.task = Some(task);
    None
}
