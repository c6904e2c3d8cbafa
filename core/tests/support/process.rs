//! What belongs to the process: its environment, its children.

use serde_json::{Map, Value, json};

/// Environment variables that are what they were when this is dropped.
pub struct Variables(Map<String, Value>);

impl Variables {
    /// Sets each variable; null takes one away.
    #[allow(unsafe_code)] // nothing else in this program reads the environment at the same time
    pub fn set(variables: &Map<String, Value>) -> Variables {
        let set = |(name, value): (&String, &Value)| {
            let before = std::env::var(name).ok();
            match value.as_str() {
                Some(text) => unsafe { std::env::set_var(name, text) },
                None => unsafe { std::env::remove_var(name) },
            }
            (name.clone(), json!(before))
        };
        Variables(variables.iter().map(set).collect())
    }
}

impl Drop for Variables {
    fn drop(&mut self) {
        std::mem::forget(Variables::set(&self.0));
    }
}

/// Plays `child` in a forked process, which has to be done in 10 s.
#[cfg(unix)]
#[allow(unsafe_code)] // fork(2) has no safe form; the child ends without running anything of the parent's
pub fn fork(child: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::{Duration, Instant};
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let outcome = catch_unwind(AssertUnwindSafe(child)).unwrap_or_else(|_| Err("panic".to_owned()));
        if let Err(why) = &outcome {
            eprintln!("in the child: {why}");
        }
        unsafe { libc::_exit(i32::from(outcome.is_err())) }
    }
    let started = Instant::now();
    let mut status = 0;
    while unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } == 0 {
        if started.elapsed() > Duration::from_secs(10) {
            unsafe { libc::kill(pid, libc::SIGKILL) };
            unsafe { libc::waitpid(pid, &raw mut status, 0) };
            return Err("the child was not done in 10 s".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    if pid > 0 && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
        Ok(())
    } else {
        Err("the child failed".to_owned())
    }
}
