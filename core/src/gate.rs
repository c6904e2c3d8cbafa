//! Threads that queue for something else once they have their answer, an interpreter's lock: one at a time is woken, and more where
//! that one does not get the lock soon. All at once they would fight for it, each of thousands waking up every few milliseconds to
//! ask for it again.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Wake;
use std::time::Duration;

use crate::engine::Engine;
use crate::nap::Nap;

/// If hardly anybody is done for so long, one more is let through: a thread that computes has the lock, and would have its time slice
/// before each of them; or those who are through do not run, since other programs have the processors. The longer that lasts the
/// later come the next.
const PATIENCE: Duration = Duration::from_millis(1);

/// So many are done in a millisecond, and far more, where nothing is in their way.
const BRISK: usize = 8;

/// Who is through, and who is next.
#[derive(Default)]
pub(crate) struct Gate(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    through: usize,
    /// So many more than one may be through.
    more: usize,
    /// So many were done since the last [`Gate::look`].
    done: usize,
    next: VecDeque<Weak<Turn>>,
    /// [`Gate::watch`] is under way.
    watched: bool,
}

impl Queue {
    fn is_full(&self) -> bool {
        self.through > self.more
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One who was through is done.
    fn leave(&self) {
        let mut queue = self.lock();
        queue.through -= 1;
        queue.done += 1;
        self.fill(queue);
    }

    /// Lets those through who are next, as long as there is room. Who has gone away meanwhile is left out.
    fn fill<'a>(&'a self, mut queue: MutexGuard<'a, Queue>) {
        while !queue.is_full() {
            let Some(next) = queue.next.pop_front() else { return };
            queue.through += 1;
            drop(queue);
            let came = next.upgrade().is_some_and(|turn| turn.come());
            queue = self.lock();
            queue.through -= usize::from(!came);
        }
    }

    /// As long as somebody is next.
    async fn watch(&self) {
        let mut late = 0;
        loop {
            tokio::time::sleep(PATIENCE * (1 + late / 4)).await;
            match self.look() {
                Some(true) => late = 0,
                Some(false) => late += 1,
                None => return,
            }
        }
    }

    /// Makes room for one more if hardly anybody was done since the last time, else for one less. Whether it was the latter; `None`:
    /// nobody is next, and none looks any more.
    fn look(&self) -> Option<bool> {
        let mut queue = self.lock();
        queue.watched = !queue.next.is_empty();
        let brisk = mem::take(&mut queue.done) >= BRISK;
        let watched = queue.watched;
        if brisk {
            queue.more = queue.more.saturating_sub(1);
        } else if watched {
            queue.more += 1;
            self.fill(queue);
        }
        watched.then_some(brisk)
    }
}

/// A thread's turn at the gate: it comes when the answer is there, and ends when this is dropped.
pub(crate) struct Turn {
    engine: &'static Engine,
    pub(crate) nap: Nap,
    through: AtomicBool,
}

impl Turn {
    /// Of this thread.
    pub(crate) fn new(engine: &'static Engine) -> Turn {
        Turn { engine, nap: Nap::new(), through: AtomicBool::new(false) }
    }

    /// Takes a place. `false`: it has one already.
    fn come(&self) -> bool {
        let news = !self.through.swap(true, Ordering::AcqRel);
        self.nap.wake();
        news
    }

    /// Lets others through, if this one is. In a child after fork the queue is not touched: a thread that is gone may hold its
    /// lock.
    pub(crate) fn end(&self) {
        if self.through.swap(false, Ordering::AcqRel) && self.engine.is_own() {
            self.engine.gate.leave();
        }
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        let engine = self.engine;
        let mut queue = engine.gate.lock();
        if self.through.load(Ordering::Acquire) {
            return self.nap.wake();
        }
        queue.next.push_back(Arc::downgrade(&self));
        let unwatched = queue.is_full() && !mem::replace(&mut queue.watched, true);
        engine.gate.fill(queue);
        if unwatched && let Ok(drive) = engine.drive() {
            drive.run(engine.gate.watch());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::engine::engine;

    /// There is one gate: one test at a time.
    static ALONE: Mutex<()> = Mutex::new(());

    fn turns<const N: usize>() -> Vec<Arc<Turn>> {
        let turns: Vec<_> = (0..N).map(|_| Arc::new(Turn::new(engine()))).collect();
        turns.iter().for_each(|turn| turn.clone().wake());
        turns
    }

    /// These first ones are through, and nobody else.
    fn are_through(turns: &[Arc<Turn>], first: usize) -> bool {
        turns.iter().enumerate().all(|(place, turn)| turn.through.load(Ordering::Acquire) == (place < first))
    }

    fn is_empty() -> bool {
        let queue = engine().gate.lock();
        queue.through == 0 && queue.next.is_empty()
    }

    fn soon(is: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(10);
        while !is() {
            assert!(Instant::now() < until, "within ten seconds");
            thread::sleep(PATIENCE);
        }
    }

    #[test]
    fn one_comes_at_a_time_and_the_next_when_that_one_is_done() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is late in this test is not late at the gate.
        engine().gate.lock().watched = true;
        let mut turns = turns::<4>();
        assert!(are_through(&turns, 1));
        // Woken again, it has one place still.
        turns[0].clone().wake();
        // The next one gives up before it is let through, and the first is done.
        drop((turns.remove(1), turns.remove(0)));
        assert!(are_through(&turns, 1));
        drop(turns);
        assert!(is_empty());
        assert_eq!(engine().gate.look(), None);
    }

    #[test]
    fn there_is_room_for_one_more_as_long_as_hardly_anybody_is_done_and_then_for_one_less() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = &engine().gate;
        gate.lock().watched = true;
        let mut turns = turns::<8>();
        gate.lock().done = 0;
        assert_eq!((gate.look(), gate.look()), (Some(false), Some(false)));
        assert!(are_through(&turns, 3));
        // In the place of each who is done there is another, until it goes briskly.
        let are_done = |turns: &mut Vec<_>, many: usize| {
            drop(turns.remove(0));
            gate.lock().done += many - 1;
        };
        are_done(&mut turns, BRISK);
        assert_eq!(gate.look(), Some(true));
        are_done(&mut turns, BRISK - 1);
        assert!(are_through(&turns, 2));
        assert_eq!(gate.look(), Some(false));
        assert!(are_through(&turns, 3));
        drop(turns);
        assert!(is_empty());
        assert_eq!(gate.look(), None);
        gate.lock().more = 0;
    }

    #[test]
    fn who_is_through_and_never_done_holds_nobody_up() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = turns::<4>();
        soon(|| are_through(&turns, 4));
        drop(turns);
        // The watch may have the last one's turn in its hand.
        soon(|| is_empty() && !engine().gate.lock().watched);
        engine().gate.lock().more = 0;
    }
}
