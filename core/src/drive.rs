//! The runtime, and who drives it: a thread that waits for an answer anyway, so that a token request needs no other thread; or
//! the library's own thread, the keeper, where nobody waits or those who do cannot.
//!
//! One thread at a time has the seat. Whoever leaves it while something is under way calls the keeper, so a caller that gives up
//! leaves its flight running. When nobody has driven for a while the keeper takes the seat by itself: timers run, and closed
//! connections are noticed. It leaves the seat when all is done and a thread came that would have taken it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Notify;

use crate::engine::{block_signals, has_room};
use crate::error::Error;
use crate::first_step;
use crate::secret::wipe_stack;

/// After so long without anybody on it the keeper takes the seat.
const QUIET: Duration = Duration::from_millis(50);

pub(crate) struct Drive {
    runtime: Runtime,
    seat: Arc<Mutex<Seat>>,
    keeper: Thread,
    /// What the keeper waits on.
    call: Condvar,
    /// The last task that was under way has ended, and a thread would have taken the seat.
    all_done: Notify,
}

#[derive(Default)]
struct Seat {
    taken: bool,
    /// How often it has been left.
    turns: u64,
    /// Something is under way and nobody drives.
    called: bool,
    /// Tasks that have not ended.
    under_way: usize,
    /// Those of them that no driver has started: it does when it takes the seat, when it is woken, and before it sleeps.
    waiting: Vec<Task>,
    /// What the keeper is to run.
    errands: Vec<Box<dyn FnOnce() + Send>>,
    /// The driver sleeps until there is an event.
    asleep: bool,
    /// A thread would have taken the seat that somebody else has.
    wanted: bool,
}

impl Seat {
    /// All tasks that wait. A list of none keeps its room for the next.
    fn take_waiting(&mut self) -> Vec<Task> {
        if self.waiting.is_empty() { Vec::new() } else { std::mem::take(&mut self.waiting) }
    }
}

impl Drive {
    /// Starts the keeper. It ends with the process: nothing waits for it, so an exit takes no time.
    pub(crate) fn start() -> Result<&'static Drive, Error> {
        let failed = |_| Error::internal("the operating system gave no thread for the library");
        let seat: Arc<Mutex<Seat>> = Arc::default();
        let (parked, unparked) = (seat.clone(), seat.clone());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_start(block_signals)
            .on_thread_park(move || falls_asleep(&parked))
            .on_thread_unpark(move || lock(&unparked).asleep = false)
            .build()
            .map_err(failed)?;
        // The thread first: without one, all that was made for it goes.
        let place: Arc<OnceLock<&'static Drive>> = Arc::default();
        let keeper = thread::Builder::new().name("tokenwell".to_owned());
        let keeper = keeper.spawn({
            let place = place.clone();
            move || place.wait().keep()
        });
        let keeper = match keeper {
            Ok(keeper) => keeper.thread().clone(),
            Err(error) => {
                // Whoever asks may be inside a runtime, where none may be dropped that could wait for its threads.
                runtime.shutdown_background();
                return Err(failed(error));
            }
        };
        let drive = Drive { runtime, seat, keeper, call: Condvar::new(), all_done: Notify::new() };
        Ok(place.get_or_init(|| Box::leak(Box::new(drive))))
    }

    /// Runs a task, whether anybody waits for it or not.
    pub(crate) fn run(&'static self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn(task);
        self.attend();
    }

    /// Runs a task that waits for the one that this thread has just taken on: their first step is taken here, where there is room.
    pub(crate) fn begin(&'static self, task: impl Future<Output = ()> + Send + 'static) {
        let last = if has_room() { self.lock().waiting.pop() } else { None };
        let Some(last) = last else { return self.run(task) };
        let both = Box::pin(with(Some(last), task));
        let both = self.task(&mut self.lock(), both);
        let rest = {
            let _inside = self.runtime.enter();
            first_step::take(self, both)
        };
        let mut seat = self.lock();
        seat.waiting.extend(rest);
        self.call(seat);
    }

    /// Runs a task now: wakes the driver if that is another thread.
    pub(crate) fn go_on(&self, task: Task) {
        drop(self.runtime.spawn(task));
    }

    /// Takes a task on that somebody will wait for: they [`Drive::wait`], [`Drive::begin`] or [`Drive::attend`] then. It begins with
    /// [`first_step::only_if`].
    pub(crate) fn spawn(&'static self, task: impl Future<Output = ()> + Send + 'static) {
        let work = Box::pin(task);
        let mut seat = self.lock();
        let task = self.task(&mut seat, work);
        seat.waiting.push(task);
    }

    fn task(&'static self, seat: &mut Seat, work: Work) -> Task {
        seat.under_way += 1;
        Task { work, _under_way: UnderWay(self) }
    }

    /// Sees to it that somebody drives if something is under way, and is awake for what waits.
    pub(crate) fn attend(&self) {
        self.call(self.lock());
    }

    /// Calls back: on the keeper, since a thread that drives is the caller's, which may not be entered again there: an interpreter
    /// runs its signals' handlers on it.
    pub(crate) fn tell(&self, errand: impl FnOnce() + Send + 'static) {
        if thread::current().id() == self.keeper.id() {
            return errand();
        }
        self.lock().errands.push(Box::new(errand));
        self.call.notify_one();
    }

    fn call(&self, mut seat: MutexGuard<'_, Seat>) {
        if !seat.taken && seat.under_way > 0 {
            seat.called = true;
            drop(seat);
            self.call.notify_one();
        } else if seat.asleep && !seat.waiting.is_empty() {
            // One task wakes the driver, and then it sees to the others too.
            seat.asleep = false;
            let task = seat.waiting.swap_remove(0);
            drop(seat);
            self.go_on(task);
        }
    }

    /// Drives until `wait` is over. `None`: somebody else drives; the keeper, where this thread cannot.
    pub(crate) fn wait<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        // A thread that is inside a runtime, of the program's own or this one, can enter no other.
        let free = Handle::try_current().is_err_and(|error| error.is_missing_context());
        let able = free && has_room();
        let mut seat = self.lock();
        if seat.taken || !able {
            seat.wanted |= able;
            self.call(seat);
            return None;
        }
        let turn = self.take(seat);
        Some(self.drive(turn, wait))
    }

    fn take<'a>(&'a self, mut seat: MutexGuard<'_, Seat>) -> Turn<'a> {
        seat.taken = true;
        seat.called = false;
        Turn(self)
    }

    fn drive<T>(&self, _turn: Turn<'_>, until: impl Future<Output = T>) -> T {
        self.runtime.block_on(async {
            // Most often there is one: it is worked on here, without a task that would have to be woken and to wake.
            let (own, others) = {
                let mut seat = self.lock();
                (seat.waiting.pop(), seat.take_waiting())
            };
            start(others);
            with(own, until).await
        })
    }

    fn keep(&self) -> ! {
        block_signals();
        loop {
            let turn = self.await_turn();
            // As long as no caller can drive, their next task finds it asleep at the events and wakes it at once.
            self.drive(turn, self.all_done.notified());
        }
    }

    /// Until the keeper is called, or nobody has had a turn for a while. Meanwhile it runs errands.
    fn await_turn(&self) -> Turn<'_> {
        let mut seat = self.lock();
        loop {
            let turns = seat.turns;
            let waited = self.call.wait_timeout_while(seat, QUIET, |seat| !seat.called && seat.errands.is_empty());
            let quiet;
            (seat, quiet) = waited.unwrap_or_else(PoisonError::into_inner);
            let errands = std::mem::take(&mut seat.errands);
            if !errands.is_empty() {
                drop(seat);
                // A panic is its own, as in any task.
                errands.into_iter().for_each(|errand| drop(catch_unwind(AssertUnwindSafe(errand))));
                seat = self.lock();
            } else if !seat.taken && (seat.called || quiet.timed_out() && seat.turns == turns) {
                return self.take(seat);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seat> {
        lock(&self.seat)
    }
}

fn lock(seat: &Mutex<Seat>) -> MutexGuard<'_, Seat> {
    seat.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(tasks: impl IntoIterator<Item = Task>) {
    tasks.into_iter().for_each(|task| drop(tokio::spawn(task)));
}

/// Works on a task too until `until` is over; what is left of it then goes on by itself.
async fn with<T>(mut own: Option<Task>, until: impl Future<Output = T>) -> T {
    let mut until = pin!(until);
    let step = |context: &mut Context<'_>| {
        if own.as_mut().is_some_and(|task| has_ended(task, context)) {
            own = None;
        }
        until.as_mut().poll(context)
    };
    let outcome = poll_fn(step).await;
    start(own);
    outcome
}

/// Whether it has come to its end, by a panic too, which as in any task is not the driver's.
pub(crate) fn has_ended(task: &mut Task, context: &mut Context<'_>) -> bool {
    catch_unwind(AssertUnwindSafe(|| Pin::new(task).poll(context).is_ready())).unwrap_or(true)
}

/// Before the driver sleeps: what has come while it was busy is started, and then it does not.
fn falls_asleep(seat: &Mutex<Seat>) {
    let (waiting, idle) = {
        let mut seat = lock(seat);
        seat.asleep = seat.waiting.is_empty();
        (seat.take_waiting(), seat.under_way == 0)
    };
    if idle {
        wipe_stack();
    }
    start(waiting);
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) struct Task {
    work: Work,
    _under_way: UnderWay,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.work.as_mut().poll(context)
    }
}

/// A task that has not ended.
struct UnderWay(&'static Drive);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut seat = self.0.lock();
        seat.under_way -= 1;
        if seat.under_way == 0 && std::mem::take(&mut seat.wanted) {
            drop(seat);
            self.0.all_done.notify_waiters();
        }
    }
}

/// The seat, as long as one has it. What the work leaves on this thread's stack is wiped at its end.
struct Turn<'a>(&'a Drive);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        wipe_stack();
        let mut seat = self.0.lock();
        seat.taken = false;
        seat.turns += 1;
        self.0.call(seat);
    }
}

/// Elsewhere nobody but the keeper drives, as the tests of all the rest find there.
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::{self, ThreadId};
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    /// A task that ends after so long, and tells on which thread.
    fn task(drive: &'static Drive, after: Duration) -> Receiver<ThreadId> {
        let (sender, receiver) = channel();
        drive.spawn(async move {
            tokio::time::sleep(after).await;
            sender.send(thread::current().id()).unwrap();
        });
        receiver
    }

    fn on_a_thread<T: Send + 'static>(stack: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
        thread::Builder::new().stack_size(stack).spawn(work).unwrap().join().unwrap()
    }

    /// Has this thread drive, as soon as the keeper leaves the seat, and work.
    fn in_the_seat<T>(drive: &'static Drive, work: impl Fn() -> T) -> T {
        let until = Instant::now() + LONG;
        loop {
            if let Some(outcome) = drive.wait(async { work() }) {
                return outcome;
            }
            assert!(Instant::now() < until, "the seat is left");
            let task = task(drive, Duration::ZERO);
            drive.attend();
            task.recv_timeout(LONG).unwrap();
        }
    }

    #[test]
    fn who_waits_drives_and_what_is_left_behind_goes_on() {
        let drive = Drive::start().unwrap();
        on_a_thread(4 << 20, move || {
            let waited = drive.wait(async {
                let quick = task(drive, Duration::from_millis(1));
                loop {
                    match quick.try_recv() {
                        Ok(thread) => break thread,
                        Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                    }
                }
            });
            assert_eq!(waited, Some(thread::current().id()));
            let slow = task(drive, Duration::from_millis(20));
            drive.wait(async {}).unwrap();
            assert_ne!(slow.recv_timeout(LONG).unwrap(), thread::current().id());
        });
    }

    #[test]
    fn who_does_not_wait_takes_the_first_step_if_it_is_quick() {
        let drive = Drive::start().unwrap();
        // Whether the asker took the two steps of a task, and that of what waits for it.
        let threads = move |quick: bool| {
            let (sender, receiver) = channel();
            let told = sender.clone();
            let tell = |sender: &Sender<bool>, asker| sender.send(thread::current().id() == asker).unwrap();
            on_a_thread(4 << 20, move || {
                let asker = thread::current().id();
                drive.spawn(async move {
                    first_step::only_if(|| quick).await;
                    tell(&sender, asker);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    tell(&sender, asker);
                });
                drive.begin(async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    tell(&told, asker);
                });
            });
            [(); 3].map(|()| receiver.recv_timeout(LONG).unwrap())
        };
        assert_eq!(threads(true), [true, false, false]);
        assert_eq!(threads(false), [false; 3]);
    }

    #[test]
    fn a_panic_in_the_first_step_is_that_tasks_alone() {
        let drive = Drive::start().unwrap();
        let (sender, receiver) = channel();
        on_a_thread(4 << 20, move || {
            drive.spawn(async { panic!("a fault in a first step") });
            drive.begin(async move { sender.send(()).unwrap() });
        });
        receiver.recv_timeout(LONG).unwrap();
        assert_eq!(drive.lock().under_way, 0);
    }

    #[test]
    fn one_thread_drives_at_a_time_and_none_that_has_no_room_or_a_runtime() {
        let drive = Drive::start().unwrap();
        assert_eq!(on_a_thread(64 << 10, move || drive.wait(async {})), None, "a small stack");
        let runtime = Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(async { drive.wait(async {}) }), None, "inside a runtime");
        on_a_thread(4 << 20, move || {
            let other = || on_a_thread(4 << 20, move || drive.wait(async {}));
            assert_eq!(in_the_seat(drive, other), None);
            in_the_seat(drive, || ());
        });
    }

    #[test]
    fn the_keeper_comes_when_it_is_called_and_when_it_is_quiet() {
        let drive = Drive::start().unwrap();
        let task = task(drive, Duration::ZERO);
        drive.attend();
        task.recv_timeout(LONG).unwrap();
        let until = Instant::now() + LONG;
        while !drive.lock().taken {
            assert!(Instant::now() < until, "the keeper takes the seat");
            thread::sleep(Duration::from_millis(5));
        }
        let (sender, receiver) = channel();
        drive.run(async move { sender.send(()).unwrap() });
        receiver.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn the_keeper_keeps_the_seat_for_those_who_cannot_drive_and_leaves_it_to_those_who_can() {
        let drive = Drive::start().unwrap();
        let asked = |drive: &'static Drive| {
            let task = task(drive, Duration::from_millis(1));
            drive.attend();
            task.recv_timeout(LONG).unwrap()
        };
        let keeper = asked(drive);
        assert!((0..20).all(|_| asked(drive) == keeper));
        assert_eq!(drive.lock().turns, 0);
        on_a_thread(4 << 20, move || in_the_seat(drive, || ()));
    }

    #[test]
    fn callbacks_run_on_the_keeper_whoever_drives() {
        let drive = Drive::start().unwrap();
        let (sender, receiver) = channel();
        let told = move || {
            drive.tell(|| panic!("of the errand"));
            let sender = sender.clone();
            drive.tell(move || sender.send(thread::current().id()).unwrap());
        };
        on_a_thread(4 << 20, move || in_the_seat(drive, told));
        assert_eq!(receiver.recv_timeout(LONG), Ok(drive.keeper.id()), "after another's panic");
        let (sender, receiver) = channel();
        drive.run(async move { drive.tell(move || sender.send(thread::current().id()).unwrap()) });
        assert_eq!(receiver.recv_timeout(LONG), Ok(drive.keeper.id()), "while the keeper drives");
    }

    #[test]
    fn no_thread_of_the_runtime_takes_the_programs_signals() {
        let blocked = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            status.lines().find(|line| line.starts_with("SigBlk")).unwrap().to_owned()
        };
        let all = on_a_thread(64 << 10, move || {
            block_signals();
            blocked()
        });
        let (sender, receiver) = channel();
        let work = move || {
            let sender = sender.clone();
            drop(tokio::task::spawn_blocking(move || sender.send(blocked()).unwrap()));
        };
        on_a_thread(4 << 20, move || in_the_seat(Drive::start().unwrap(), work));
        assert_eq!(receiver.recv_timeout(LONG), Ok(all));
    }
}
