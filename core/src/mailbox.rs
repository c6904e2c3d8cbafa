//! Answers on their way to an event loop, whose thread hears of them without a call into it.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bell::Bell;

use crate::engine::{Engine, engine};

/// What other threads put in here, the event loop's thread takes out, all at once. The loop watches a descriptor if it can.
pub struct Mailbox<T> {
    letters: Mutex<Vec<T>>,
    /// Unset where the loop watches no descriptor.
    bell: OnceLock<Bell>,
    engine: &'static Engine,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Mailbox<T> {
        Mailbox { letters: Mutex::default(), bell: OnceLock::new(), engine: engine() }
    }
}

impl<T> Mailbox<T> {
    /// Whether it is this process's. A child after fork that goes on with an event loop of its parent needs a mailbox of its own: one
    /// bell is not heard by both.
    pub fn is_own(&self) -> bool {
        self.engine.is_own()
    }

    /// `watch` is given a descriptor that can be read when there are letters, on Unix, and says whether the loop watches it from now
    /// on. To be called once, before there are letters.
    pub fn watched(&self, watch: impl FnOnce(i32) -> bool) {
        if let Some(bell) = Bell::new().filter(|bell| watch(bell.descriptor())) {
            let _ = self.bell.set(bell);
        }
    }

    /// Whether the loop watches a descriptor.
    pub fn is_watched(&self) -> bool {
        self.bell.get().is_some()
    }

    /// From any thread; it blocks none. Whether the loop has to be called, which watches no descriptor.
    #[must_use]
    pub fn put(&self, letter: T) -> bool {
        let mut letters = self.letters();
        letters.push(letter);
        // Whoever put the first one here tells of all.
        if letters.len() > 1 {
            return false;
        }
        drop(letters);
        self.bell.get().map(Bell::ring).is_none()
    }

    /// All that are there; of a mailbox of the parent's, which hears its bell itself, none.
    pub fn take(&self) -> Vec<T> {
        if !self.is_own() {
            return Vec::new();
        }
        // First: what comes from now on rings again.
        if let Some(bell) = self.bell.get() {
            bell.hear();
        }
        std::mem::take(&mut *self.letters())
    }

    fn letters(&self) -> MutexGuard<'_, Vec<T>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
mod bell {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    /// Both ends: what is written to the one can be read from the other.
    #[derive(Debug)]
    pub(super) struct Bell(UnixStream, UnixStream);

    impl Bell {
        /// `None`: the process has no descriptors left.
        pub(super) fn new() -> Option<Bell> {
            let (rung, heard) = UnixStream::pair().ok()?;
            [&rung, &heard].into_iter().try_for_each(|end| end.set_nonblocking(true)).ok()?;
            Some(Bell(rung, heard))
        }

        pub(super) fn descriptor(&self) -> i32 {
            self.1.as_raw_fd()
        }

        /// Where no more can be written it has been rung often enough.
        pub(super) fn ring(&self) {
            let _ = (&self.0).write(&[0]);
        }

        /// Of an event loop that was wrong there is nothing to hear.
        pub(super) fn hear(&self) {
            let _ = (&self.1).read(&mut [0; 64]);
        }
    }
}

#[cfg(not(unix))]
mod bell {
    /// There is none.
    #[derive(Debug)]
    pub(super) enum Bell {}

    impl Bell {
        pub(super) fn new() -> Option<Bell> {
            None
        }

        pub(super) fn descriptor(&self) -> i32 {
            match *self {}
        }

        pub(super) fn ring(&self) {
            match *self {}
        }

        pub(super) fn hear(&self) {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_watches_nothing_is_called_for_the_first_letter() {
        let mailbox = Mailbox::default();
        assert!(mailbox.put(1) && !mailbox.put(2));
        assert_eq!(mailbox.take(), [1, 2]);
        assert!(mailbox.put(3), "taken: it has to be called again");
    }

    #[cfg(unix)]
    #[test]
    fn who_watches_is_told_until_the_letters_are_taken() {
        let (mailbox, mut descriptor) = (Mailbox::default(), -1);
        mailbox.watched(|its| {
            descriptor = its;
            true
        });
        let rings = || crate::engine::has_news(descriptor);
        for _ in 0..3 {
            assert!(!rings());
            assert!(!mailbox.put("a") && !mailbox.put("b"));
            assert!(rings());
            assert_eq!(mailbox.take(), ["a", "b"]);
        }
        assert!(!rings() && mailbox.take().is_empty());
    }
}
