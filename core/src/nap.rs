//! A thread's sleep until another one wakes it.

#[cfg(target_os = "linux")]
pub(crate) use in_the_systems_table::Nap;
#[cfg(not(target_os = "linux"))]
pub(crate) use parked::Nap;

/// Since Linux 6.17 a process has a table of its own for those who wait on its private futexes, of 16 lists on a machine with two
/// processors. Thousands of threads that wait there for one token are in the way of each lock of the program: who wakes a thread
/// looks through its whole list. A futex that could be shared stands in the system's table, which grows with the machine.
#[cfg(target_os = "linux")]
mod in_the_systems_table {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use rustix::thread::futex::{self, Flags, Timespec};

    const AWAKE: u32 = 0;
    const ASLEEP: u32 = 1;
    const WOKEN: u32 = 2;

    #[derive(Default)]
    pub(crate) struct Nap(AtomicU32);

    impl Nap {
        /// Of the thread that will sleep.
        pub(crate) fn new() -> Nap {
            Nap::default()
        }

        /// Until it is woken, which may have been before; a signal may end it early.
        pub(crate) fn sleep(&self, at_most: Duration) {
            if self.0.compare_exchange(AWAKE, ASLEEP, Ordering::Acquire, Ordering::Acquire).is_ok() {
                // Longer than the kernel can count is without an end.
                let _woken_or_late =
                    futex::wait(&self.0, Flags::empty(), ASLEEP, Timespec::try_from(at_most).ok().as_ref());
            }
            self.0.swap(AWAKE, Ordering::Acquire);
        }

        pub(crate) fn wake(&self) {
            if self.0.swap(WOKEN, Ordering::Release) == ASLEEP {
                let _how_many = futex::wake(&self.0, Flags::empty(), 1);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod parked {
    use std::thread::{self, Thread};
    use std::time::Duration;

    pub(crate) struct Nap(Thread);

    impl Nap {
        /// Of the thread that will sleep.
        pub(crate) fn new() -> Nap {
            Nap(thread::current())
        }

        /// Until it is woken, which may have been before, or earlier.
        pub(crate) fn sleep(&self, at_most: Duration) {
            thread::park_timeout(at_most);
        }

        pub(crate) fn wake(&self) {
            self.0.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::Nap;

    const LONG: Duration = Duration::from_secs(20);

    /// How long this takes.
    fn time(work: impl FnOnce()) -> Duration {
        let began = Instant::now();
        work();
        began.elapsed()
    }

    #[test]
    fn who_is_woken_before_does_not_sleep_and_once_only() {
        let nap = Nap::new();
        nap.wake();
        nap.wake();
        assert!(time(|| nap.sleep(LONG)) < LONG / 2);
        assert!(time(|| nap.sleep(Duration::from_millis(30))) >= Duration::from_millis(30));
    }

    #[test]
    fn who_sleeps_is_woken() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let sleeper = thread::spawn(move || {
            let nap = Arc::new(Nap::new());
            (0..100).all(|_| {
                sender.send(nap.clone()).unwrap();
                time(|| nap.sleep(LONG)) < LONG / 2
            })
        });
        receiver.into_iter().for_each(|nap| nap.wake());
        assert!(sleeper.join().unwrap());
    }

    #[test]
    fn a_sleep_that_is_longer_than_the_system_can_count_ends_when_it_is_woken() {
        let nap = Arc::new(Nap::new());
        let other = nap.clone();
        let waker = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            other.wake();
        });
        assert!(time(|| nap.sleep(Duration::MAX)) < LONG);
        waker.join().unwrap();
    }
}
