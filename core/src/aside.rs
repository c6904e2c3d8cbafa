//! Work beside the flight that waits for it. The runtime's part of a task is some 4 KB for each kind of work: here all are of one kind,
//! or of the other if they block.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::oneshot::{Receiver, channel};

/// Runs `work` as a task, also after the one who waits has gone. What is received is an error if it panics.
pub(crate) fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Receiver<T> {
    let (sender, receiver) = channel();
    // Whoever asked may have gone away.
    let work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move { drop(sender.send(work.await)) });
    drop(tokio::spawn(work));
    receiver
}

/// The same for work that blocks, on a thread for that.
pub(crate) fn block<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (sender, receiver) = channel();
    let work: Box<dyn FnOnce() + Send> = Box::new(move || drop(sender.send(work())));
    drop(tokio::task::spawn_blocking(work));
    receiver
}
