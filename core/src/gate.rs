//! Threads that queue for something else once they have their answer, an interpreter's lock: a few at a time are woken. All at
//! once they would fight for it, each of thousands waking up every few milliseconds to ask for it again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Wake;
use std::thread::Thread;

use crate::engine::Engine;

/// So many at a time. One has the lock and the next is there when it is free; with fewer, a thread that computes has its time slice
/// after every one of them.
const AT_ONCE: usize = 4;

/// Who is through, and who is next.
#[derive(Default)]
pub(crate) struct Gate(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    through: usize,
    next: VecDeque<Weak<Turn>>,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next one through in the place of one who is done. Who has gone away meanwhile is left out.
    fn pass_on(&self) {
        loop {
            let mut queue = self.lock();
            let Some(next) = queue.next.pop_front() else {
                queue.through -= 1;
                return;
            };
            drop(queue);
            if next.upgrade().is_some_and(|turn| turn.come()) {
                return;
            }
        }
    }
}

/// A thread's turn at the gate: it comes when the answer is there, and ends when this is dropped.
pub(crate) struct Turn {
    engine: &'static Engine,
    thread: Thread,
    through: AtomicBool,
}

impl Turn {
    pub(crate) fn new(engine: &'static Engine, thread: Thread) -> Turn {
        Turn { engine, thread, through: AtomicBool::new(false) }
    }

    /// Takes a place. `false`: it has one already.
    fn come(&self) -> bool {
        let news = !self.through.swap(true, Ordering::AcqRel);
        self.thread.unpark();
        news
    }

    /// Lets others through, if this one is. In a child after fork the queue is not touched: a thread that is gone may hold its
    /// lock.
    pub(crate) fn end(&self) {
        if self.through.swap(false, Ordering::AcqRel) && self.engine.is_own() {
            self.engine.gate.pass_on();
        }
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        let mut queue = self.engine.gate.lock();
        if self.through.load(Ordering::Acquire) {
            self.thread.unpark();
        } else if queue.through == AT_ONCE {
            queue.next.push_back(Arc::downgrade(&self));
        } else {
            queue.through += 1;
            drop(queue);
            if !self.come() {
                self.engine.gate.pass_on();
            }
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

    use super::*;
    use crate::engine::engine;

    #[test]
    fn a_few_come_at_once_and_each_next_in_the_place_of_one_who_is_done() {
        let mut turns: Vec<_> = (0..AT_ONCE + 3).map(|_| Arc::new(Turn::new(engine(), thread::current()))).collect();
        turns.iter().for_each(|turn| turn.clone().wake());
        let first_are_through = |turns: &[Arc<Turn>]| {
            let mut through = turns.iter().map(|turn| turn.through.load(Ordering::Acquire));
            through.by_ref().take(AT_ONCE).all(|is| is) && !through.any(|is| is)
        };
        assert!(first_are_through(&turns));
        // Woken again, it has one place still.
        turns[1].clone().wake();
        // The next one gives up before it is let through, and the first is done.
        drop((turns.remove(AT_ONCE), turns.remove(0)));
        assert!(first_are_through(&turns));
        drop(turns);
        assert_eq!(engine().gate.lock().through, 0);
        assert!(engine().gate.lock().next.is_empty());
    }
}
