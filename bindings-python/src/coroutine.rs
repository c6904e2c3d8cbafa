//! Calls that are awaited: a coroutine object on the caller's event loop, and the way back to it from the core's thread.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyWeakrefReference};
use tokenwell::{Error, Mailbox, TokenRequest};

use crate::client::{Client, Gift, Shape};
use crate::errors::{guard, raise};

/// What was asked for.
pub struct Call {
    pub client: Py<Client>,
    pub request: TokenRequest,
    pub shape: Shape,
}

/// Where a coroutine stands.
pub enum State {
    Unstarted(Call),
    /// There is nothing to wait for.
    Ready(Py<PyAny>),
    /// The iterator of the asyncio.Future that is waited for.
    Waiting(Py<PyAny>),
    Done,
}

/// An awaitable call. Nothing happens before it is awaited; a cached token is there without a turn of the event loop.
#[pyclass(frozen, module = "tokenwell._native")]
pub struct Coroutine(pub Mutex<State>);

impl Coroutine {
    fn resume<'py>(&self, iterator: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let future = iterator.call_method0("__next__")?;
        *locked(&self.0) = State::Waiting(iterator.unbind());
        Ok(future)
    }
}

#[pymethods]
impl Coroutine {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let state = mem::replace(&mut *locked(&self.0), State::Done);
        guard(py, || match state {
            State::Ready(value) => Err(PyStopIteration::new_err((value,))),
            State::Waiting(iterator) => self.resume(iterator.into_bound(py)),
            State::Done => Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine")),
            State::Unstarted(call) => match call.cached(py)? {
                Some(value) => Err(PyStopIteration::new_err((value.unbind(),))),
                None => self.resume(call.start(py)?),
            },
        })
    }

    fn send<'py>(&self, py: Python<'py>, _value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.__next__(py)
    }

    #[pyo3(signature = (*exception))]
    fn throw<'py>(&self, py: Python<'py>, exception: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let state = mem::replace(&mut *locked(&self.0), State::Done);
        if let State::Waiting(iterator) = state {
            return iterator.bind(py).call_method1("throw", exception);
        }
        Err(PyErr::from_value(exception.get_item(0)?))
    }

    fn close(&self) {
        *locked(&self.0) = State::Done;
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.0.try_lock().as_deref() {
            Ok(State::Waiting(held) | State::Ready(held)) => visit.call(held),
            Ok(State::Unstarted(call)) => visit.call(&call.client),
            _ => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.close();
    }
}

impl Call {
    fn cached<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let client = self.client.get();
        client.at_hand(&self.request, self.shape).map(|gift| client.shape(py, gift, self.shape)).transpose()
    }

    /// Starts the fetch, or joins it; the iterator of a future of the running loop that will hold the outcome.
    fn start(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let event_loop = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
        let future = event_loop.call_method0("create_future")?;
        let inbox = Inbox::of(&event_loop)?;
        let pending = self.client.get().start(&self.request, self.shape);
        // Held: of a task that nobody else refers to its event loop knows by this alone.
        let (mailbox, held) = (inbox.get().0.clone(), future.clone().unbind());
        let called = (!mailbox.is_watched()).then(|| (event_loop.unbind(), inbox));
        pending.then(move |outcome| Inbox::post(&mailbox, called, Letter { call: self, future: held, outcome }));
        future.call_method0("__await__")
    }
}

/// Outcomes on their way to one event loop, which is told once of all. The loop alone holds it that watches it: none that has closed is
/// kept alive, and no thread without the GIL lets go of an object, for which pyo3 has a lock that a child after fork can find locked.
#[pyclass(frozen, weakref)]
struct Inbox(Arc<Mailbox<Letter>>);

struct Letter {
    call: Call,
    future: Py<PyAny>,
    outcome: Result<Gift, Error>,
}

impl Inbox {
    fn of(event_loop: &Bound<'_, PyAny>) -> PyResult<Py<Inbox>> {
        static ALL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = event_loop.py();
        let make = || py.import("weakref")?.call_method0("WeakKeyDictionary").map(Bound::unbind);
        let all = ALL.get_or_try_init(py, make)?.bind(py);
        let known = all.get_item(event_loop).and_then(|known| Ok(known.call0()?.cast_into::<Inbox>()?));
        if let Some(inbox) = known.ok().filter(|inbox| inbox.get().0.is_own()) {
            return Ok(inbox.unbind());
        }
        let inbox = Bound::new(py, Inbox(Arc::default()))?;
        inbox.get().0.watched(|descriptor| watch(event_loop, descriptor, &inbox).is_ok());
        all.set_item(event_loop, PyWeakrefReference::new(&inbox)?)?;
        Ok(inbox.unbind())
    }

    /// From any thread. A loop that watches no descriptors, as Windows' do not, is called, for which this thread needs the GIL that
    /// the loop then waits for. Where the interpreter ends, or the loop has been closed, nobody waits any more.
    fn post(mailbox: &Mailbox<Letter>, called: Option<(Py<PyAny>, Py<Inbox>)>, letter: Letter) {
        if let (true, Some((event_loop, inbox))) = (mailbox.put(letter), called) {
            let call = |py: Python<'_>| event_loop.call_method1(py, "call_soon_threadsafe", (inbox,)).is_ok();
            Python::try_attach(|py| (!call(py)).then(|| drop(mailbox.take())));
        }
    }
}

/// In an empty context: the loop keeps the one in which it is asked.
fn watch(event_loop: &Bound<'_, PyAny>, descriptor: i32, inbox: &Bound<'_, Inbox>) -> PyResult<()> {
    let context = event_loop.py().import("contextvars")?.call_method0("Context")?;
    context.call_method1("run", (event_loop.getattr("add_reader")?, descriptor, inbox)).map(drop)
}

#[pymethods]
impl Inbox {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let letters = self.0.take();
        // All of them, whatever one comes to: each is somebody's wait.
        guard(py, || letters.into_iter().map(|letter| letter.deliver(py)).fold(Ok(()), Result::and))
    }
}

impl Letter {
    fn deliver(self, py: Python<'_>) -> PyResult<()> {
        let future = self.future.bind(py);
        if future.call_method0("done")?.is_truthy()? {
            return Ok(());
        }
        let value = self.outcome.map_err(|error| raise(py, &error));
        match value.and_then(|gift| self.call.client.get().shape(py, gift, self.call.shape)) {
            Ok(value) => future.call_method1("set_result", (value,))?,
            Err(error) => future.call_method1("set_exception", (error,))?,
        };
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
