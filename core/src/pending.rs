//! A token under way: to be awaited, to be waited for in slices, or to be called back about.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::engine::{Engine, engine};
use crate::error::{Error, ErrorKind};
use crate::first_step;
use crate::gate::Turn;
use crate::nap::Nap;
use crate::token::AccessToken;

/// What a call comes to.
pub type Answer<T = AccessToken> = Result<T, Error>;

/// A call under way, for a token if nothing else is said. Dropping it cancels nothing: the flight belongs to the library and
/// others may wait for it.
pub struct Pending<T = AccessToken> {
    state: State<T>,
    /// Of a thread that waits in turn.
    turn: Option<Arc<Turn>>,
}

/// The wait for an answer, when a thread gives it up, and the engine that works on it.
struct Waiting<T> {
    answer: Pin<Box<dyn Future<Output = Answer<T>> + Send>>,
    until: Option<Instant>,
    engine: &'static Engine,
}

enum State<T> {
    Ready(Option<Answer<T>>),
    Waiting(Waiting<T>),
}

impl<T> Pending<T> {
    pub(crate) fn ready(answer: Answer<T>) -> Pending<T> {
        Pending { state: State::Ready(Some(answer)), turn: None }
    }

    pub(crate) fn waiting(answer: impl Future<Output = Answer<T>> + Send + 'static, at_most: Duration) -> Pending<T> {
        let until = Instant::now().checked_add(at_most);
        Pending::of(Waiting { answer: Box::pin(answer), until, engine: engine() })
    }

    fn of(waiting: Waiting<T>) -> Pending<T> {
        Pending { state: State::Waiting(waiting), turn: None }
    }

    /// Blocks this thread until the answer is there, at most so long. `None`: not yet; call again. The whole wait is bounded
    /// by the client's `timeout`.
    ///
    /// # Errors
    /// The answer's own error.
    pub fn wait(&mut self, at_most: Duration) -> Option<Answer<T>> {
        let nap = Arc::new(Nap::new());
        self.wait_with(nap.clone().into(), &nap, at_most)
    }

    /// As [`Pending::wait`], for a thread that has to queue for a lock with its answer, as Python's do: of those whose answer is
    /// there one is woken, and each of the others when one before it has dropped its `Pending` or is long about it.
    ///
    /// # Errors
    /// The answer's own error.
    pub fn wait_in_turn(&mut self, at_most: Duration) -> Option<Answer<T>> {
        let Some(engine) = self.engine() else { return self.wait(at_most) };
        let turn = Arc::new(Turn::new(engine));
        self.turn = Some(turn.clone());
        self.wait_with(turn.clone().into(), &turn.nap, at_most)
    }

    fn wait_with(&mut self, waker: Waker, nap: &Nap, at_most: Duration) -> Option<Answer<T>> {
        let mut context = Context::from_waker(&waker);
        let mut now = Instant::now();
        let until = now.checked_add(at_most);
        loop {
            if let Poll::Ready(answer) = self.look(&mut context) {
                return Some(answer);
            }
            if let Some(turn) = &self.turn {
                turn.end();
            }
            let left =
                |until: Option<Instant>| until.map_or(Duration::MAX, |until| until.saturating_duration_since(now));
            let (left, in_all) = (left(until), left(self.until()));
            if in_all.is_zero() {
                return Some(Err(late()));
            }
            if left.is_zero() {
                return None;
            }
            // No shorter: thousands of threads may wait, and each that wakes for nothing is a load.
            let left = left.min(in_all);
            // A flight's own timer runs where its runtime is driven.
            match self.drive((left < in_all).then_some(left)) {
                Some(Some(answer)) => return Some(answer),
                Some(None) => {}
                None => nap.sleep(left),
            }
            now = Instant::now();
        }
    }

    /// Waits by driving the runtime, at most so long, or as long as it takes. `None`: another thread does that, or will.
    fn drive(&mut self, at_most: Option<Duration>) -> Option<Option<Answer<T>>> {
        let drive = self.engine()?.drive().ok()?;
        let answer = poll_fn(|context| self.look(context));
        drive.wait(async {
            match at_most {
                Some(at_most) => tokio::time::timeout(at_most, answer).await.ok(),
                None => Some(answer.await),
            }
        })
    }

    /// Sees to it that what is waited for goes on without this thread.
    fn attend(&self) {
        if let Some(engine) = self.engine() {
            engine.attend();
        }
    }

    fn engine(&self) -> Option<&'static Engine> {
        match &self.state {
            State::Ready(_) => None,
            State::Waiting(waiting) => Some(waiting.engine),
        }
    }

    /// Calls `done` once with the answer: at once on this thread if it is there, else on the library's own thread, where `done`
    /// must not block. Where a connection is open this thread sends the request itself.
    pub fn then(mut self, done: impl FnOnce(Answer<T>) + Send + 'static)
    where
        T: Send + 'static,
    {
        match &mut self.state {
            State::Ready(answer) => done(answer.take().unwrap_or_else(taken)),
            State::Waiting(_) => match engine().drive() {
                Ok(drive) => drive.begin(async move {
                    let answer = self.await;
                    first_step::only_if(|| false).await;
                    drive.tell(move || done(answer));
                }),
                Err(error) => done(Err(error)),
            },
        }
    }

    /// The same call with its answer changed.
    pub fn map<U>(mut self, change: impl FnOnce(T) -> U + Send + 'static) -> Pending<U>
    where
        T: Send + 'static,
    {
        match std::mem::replace(&mut self.state, State::Ready(None)) {
            State::Ready(answer) => Pending::ready(answer.unwrap_or_else(taken).map(change)),
            State::Waiting(Waiting { answer, until, engine }) => {
                let answer = Box::pin(async move { answer.await.map(change) });
                Pending::of(Waiting { answer, until, engine })
            }
        }
    }

    /// The answer, if it is there.
    fn look(&mut self, context: &mut Context<'_>) -> Poll<Answer<T>> {
        if self.is_lost() {
            return Poll::Ready(Err(lost()));
        }
        match &mut self.state {
            State::Ready(answer) => Poll::Ready(answer.take().unwrap_or_else(taken)),
            State::Waiting(waiting) => {
                let answer = std::task::ready!(waiting.answer.as_mut().poll(context));
                self.state = State::Ready(None);
                Poll::Ready(answer)
            }
        }
    }

    /// When this thread gives up.
    fn until(&self) -> Option<Instant> {
        match &self.state {
            State::Ready(_) => None,
            State::Waiting(waiting) => waiting.until,
        }
    }

    /// In a child after fork: takes away what waits for a flight of the parent, which does not exist here. It is neither
    /// looked at nor dropped, since its locks may be held by threads that are gone.
    fn is_lost(&mut self) -> bool {
        let lost = matches!(&self.state, State::Waiting(waiting) if !waiting.engine.is_own());
        if lost {
            std::mem::forget(std::mem::replace(&mut self.state, State::Ready(None)));
        }
        lost
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if !self.is_lost() {
            self.attend();
        }
    }
}

/// What is awaited stays in its box.
impl<T> Unpin for Pending<T> {}

impl<T> Future for Pending<T> {
    type Output = Answer<T>;

    /// Ends within the flight's `timeout`, whose leader tells all who wait even when it is dropped.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer<T>> {
        let answer = self.look(context);
        self.attend();
        answer
    }
}

fn lost() -> Error {
    let message = "this call waits for a request of the process that this one was forked from: call again";
    Error::new(ErrorKind::Transport, "closed", message).with_retryable(true)
}

fn late() -> Error {
    let message = "no answer within `timeout`: the request this call waited for has been lost";
    Error::new(ErrorKind::Transport, "timeout", message).with_retryable(true)
}

fn taken<T>() -> Answer<T> {
    Err(Error::internal("the answer of this call was already taken"))
}

impl Wake for Nap {
    fn wake(self: Arc<Self>) {
        Nap::wake(&self);
    }
}
