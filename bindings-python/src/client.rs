//! The client: options in, tokens out. Blocking calls wait without the GIL.

use std::borrow::Cow;
use std::ffi::CString;
use std::sync::Mutex;
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyUserWarning};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use serde_json::Value;
use tokenwell::{AccessToken as Token, Config, Error, Pending, TokenRequest};

use crate::convert;
use crate::coroutine::{Call, Coroutine, State};
use crate::errors::{guard, raise};
use crate::token::AccessToken;

/// How long a blocking call waits between two looks at Python's signals: the longest a Ctrl-C waits.
const SLICE: Duration = Duration::from_millis(50);

type Keywords<'a, 'py> = &'a Bound<'py, PyDict>;
type Answer<'py> = PyResult<Bound<'py, PyAny>>;

/// What a call hands out: of a token, or of a question about it.
#[derive(Clone, Copy)]
pub enum Shape {
    Value,
    Whole,
    Header,
    Revoked,
    Introspected,
}

/// What the core gives for it.
pub enum Gift {
    Token(Token),
    Json(Value),
}

/// Access tokens of one OAuth 2.0 client (RFC 6749 4.4): fetched once, kept, refreshed in time. Safe to share by threads and tasks.
/// Clients of equal options share their tokens. Making one does no I/O. An unknown or wrong option raises a ConfigError.
#[doc = include_str!("options.txt")]
#[pyclass(frozen, module = "tokenwell", weakref)]
pub struct Client {
    pub core: tokenwell::Client,
    /// The str that was last handed out, and the token it is: a cached call converts nothing. Holding the token keeps its identity unique.
    text: Mutex<Option<(Token, Py<PyString>)>>,
}

impl Client {
    fn open(py: Python<'_>, config: impl FnOnce() -> Result<Config, Error>) -> PyResult<Self> {
        let core = config().and_then(tokenwell::Client::new).map_err(|error| raise(py, &error))?;
        let warn = |text| PyErr::warn(py, &py.get_type::<PyUserWarning>(), &CString::new(text)?, 1);
        core.warning().map_or(Ok(()), warn)?;
        Ok(Client { core, text: Mutex::new(None) })
    }

    fn get<'py>(&self, py: Python<'py>, options: Option<Keywords<'_, 'py>>, shape: Shape) -> Answer<'py> {
        guard(py, || {
            let request = request(py, options)?;
            let gift = self.at_hand(&request, shape).map_or_else(|| wait(py, self.start(&request, shape)), Ok)?;
            self.shape(py, gift, shape)
        })
    }

    pub fn at_hand(&self, request: &TokenRequest, shape: Shape) -> Option<Gift> {
        self.core.cached(request).filter(|_| !matches!(shape, Shape::Revoked | Shape::Introspected)).map(Gift::Token)
    }

    pub fn start(&self, request: &TokenRequest, shape: Shape) -> Pending<Gift> {
        match shape {
            Shape::Revoked => self.core.revoke().map(|()| Gift::Json(Value::Null)),
            Shape::Introspected => self.core.introspect().map(|answer| Gift::Json(answer.into())),
            _ => self.core.obtain(request).map(Gift::Token),
        }
    }

    pub fn shape<'py>(&self, py: Python<'py>, gift: Gift, shape: Shape) -> Answer<'py> {
        match (gift, shape) {
            (Gift::Json(value), _) => convert::python(py, &value),
            (Gift::Token(token), Shape::Whole) => AccessToken(token).into_bound_py_any(py),
            (Gift::Token(token), Shape::Header) => token.authorization().into_bound_py_any(py),
            (Gift::Token(token), _) => Ok(self.text(py, token).into_any()),
        }
    }

    /// A token that is given up lives on in no client.
    fn forget(&self) {
        drop(self.text.try_lock().map(|mut kept| kept.take()));
    }

    /// `try_lock`: a lock that a fork left locked costs a conversion, no more.
    fn text<'py>(&self, py: Python<'py>, token: Token) -> Bound<'py, PyString> {
        let Ok(mut kept) = self.text.try_lock() else { return PyString::new(py, token.value()) };
        if let Some((_, text)) = kept.as_ref().filter(|(owner, _)| owner.identity() == token.identity()) {
            return text.bind(py).clone();
        }
        let text = PyString::new(py, token.value());
        *kept = Some((token, text.clone().unbind()));
        text
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        guard(py, || {
            let options = convert::options(options)?;
            Client::open(py, || Config::from_value(options))
        })
    }

    /// A client whose options come from the environment: TOKENWELL_CLIENT_ID and so on.
    #[classmethod]
    fn from_env(_class: &Bound<'_, PyType>, py: Python<'_>) -> PyResult<Self> {
        guard(py, || Client::open(py, Config::from_env))
    }

    /// A bearer token. Blocks while there is none, at most `timeout` seconds; other threads run and Ctrl-C works.
    ///
    /// scope: str or list; audience: str or list; resource: list of URLs (RFC 8707); min_valid: seconds the token must still live.
    #[pyo3(signature = (**request), text_signature = "($self, *, scope=None, audience=None, resource=None, min_valid=None)")]
    fn token<'py>(&self, py: Python<'py>, request: Option<Keywords<'_, 'py>>) -> Answer<'py> {
        self.get(py, request, Shape::Value)
    }

    /// The whole answer. As token().
    #[pyo3(signature = (**request), text_signature = "($self, *, scope=None, audience=None, resource=None, min_valid=None)")]
    fn access_token<'py>(&self, py: Python<'py>, request: Option<Keywords<'_, 'py>>) -> Answer<'py> {
        self.get(py, request, Shape::Whole)
    }

    /// The value of the Authorization header: "Bearer ..." (RFC 6750 2.1) or "DPoP ..." (RFC 9449 7.1). As token().
    #[pyo3(signature = (**request), text_signature = "($self, *, scope=None, audience=None, resource=None, min_valid=None)")]
    fn authorization<'py>(&self, py: Python<'py>, request: Option<Keywords<'_, 'py>>) -> Answer<'py> {
        self.get(py, request, Shape::Header)
    }

    /// token() for asyncio. Cancelling the caller leaves the fetch running for the others.
    #[pyo3(signature = (**request), text_signature = "($self, *, scope=None, audience=None, resource=None, min_valid=None)")]
    fn atoken(slf: Bound<'_, Self>, request: Option<Keywords<'_, '_>>) -> PyResult<Coroutine> {
        ask(slf, request, Shape::Value)
    }

    /// access_token() for asyncio.
    #[pyo3(signature = (**request), text_signature = "($self, *, scope=None, audience=None, resource=None, min_valid=None)")]
    fn aaccess_token(slf: Bound<'_, Self>, request: Option<Keywords<'_, '_>>) -> PyResult<Coroutine> {
        ask(slf, request, Shape::Whole)
    }

    /// authorization() for asyncio.
    #[pyo3(signature = (**request), text_signature = "($self, *, scope=None, audience=None, resource=None, min_valid=None)")]
    fn aauthorization(slf: Bound<'_, Self>, request: Option<Keywords<'_, '_>>) -> PyResult<Coroutine> {
        ask(slf, request, Shape::Header)
    }

    /// The resource answered 401: forget this very token (a str or an AccessToken), and no newer one.
    fn invalidate(&self, py: Python<'_>, token: &Bound<'_, PyAny>) -> PyResult<()> {
        let done = guard(py, || text_of(token).map(|token| self.core.invalidate(&token)));
        self.forget();
        done
    }

    /// A proof for the header DPoP (RFC 9449 4.2), new for each request of your own that sends `token` (a str or an AccessToken).
    fn dpop_proof(&self, py: Python<'_>, method: &str, url: &str, token: &Bound<'_, PyAny>) -> PyResult<String> {
        guard(py, || self.core.dpop_proof(method, url, &text_of(token)?).map_err(|error| raise(py, &error)))
    }

    /// Keeps the DPoP-Nonce of an answer for the next proofs to the origin of `url`; use_dpop_nonce asks for one more try with it.
    fn dpop_nonce(&self, py: Python<'_>, url: &str, nonce: &str) -> PyResult<()> {
        guard(py, || {
            self.core.dpop_nonce(url, nonce);
            Ok(())
        })
    }

    /// Ends the tokens held (RFC 7009): they are given up first, whatever the server answers. Blocks as token().
    fn revoke<'py>(&self, py: Python<'py>) -> Answer<'py> {
        self.forget();
        self.get(py, None, Shape::Revoked)
    }

    /// What the server says of this client's token (RFC 7662), as a dict with `active`. Blocks as token().
    fn introspect<'py>(&self, py: Python<'py>) -> Answer<'py> {
        self.get(py, None, Shape::Introspected)
    }

    /// revoke() for asyncio.
    fn arevoke(slf: Bound<'_, Self>) -> PyResult<Coroutine> {
        slf.get().forget();
        ask(slf, None, Shape::Revoked)
    }

    /// introspect() for asyncio.
    fn aintrospect(slf: Bound<'_, Self>) -> PyResult<Coroutine> {
        ask(slf, None, Shape::Introspected)
    }

    /// What this client has done so far: token_requests, flights, in_flight, joined, failures, refused, stale, invalidations, store_hits, store_misses, store_errors, exposed_files.
    fn stats<'py>(&self, py: Python<'py>) -> Answer<'py> {
        guard(py, || convert::python(py, &self.core.stats()))
    }

    /// Ends the client: later calls raise a ConfigError with the code client_closed. May be called again.
    fn close(&self) {
        self.core.close();
        self.forget();
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) {
        self.close();
    }

    fn __aenter__(slf: Bound<'_, Self>) -> Coroutine {
        Coroutine(Mutex::new(State::Ready(slf.into_any().unbind())))
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> Coroutine {
        self.close();
        Coroutine(Mutex::new(State::Ready(py.None())))
    }

    fn __repr__(&self) -> String {
        format!("<tokenwell.{:?}>", self.core)
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("a Client holds a secret and cannot be pickled or copied"))
    }
}

/// A bearer token for the three arguments of the common snippet, each falling back to its environment variable:
/// TOKENWELL_CLIENT_ID, TOKENWELL_CLIENT_SECRET, TOKENWELL_TOKEN_ENDPOINT.
///
/// Never None: whatever goes wrong raises a TokenwellError. A valid token is kept, so a second call sends nothing.
#[pyfunction]
#[pyo3(signature = (client_id=None, client_secret=None, authentication_url=None))]
pub fn get_token_by_client_id_and_client_secret<'py>(
    py: Python<'py>,
    client_id: Option<&Bound<'py, PyAny>>,
    client_secret: Option<&Bound<'py, PyAny>>,
    authentication_url: Option<&Bound<'py, PyAny>>,
) -> Answer<'py> {
    let value = |given: Option<&Bound<'py, PyAny>>| given.map_or(Value::Null, convert::value);
    let given = || [client_id, client_secret, authentication_url].map(value);
    guard(py, || Client::open(py, || Config::from_guide_values(given()))?.get(py, None, Shape::Value))
}

fn text_of<'a>(token: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, str>> {
    let whole = token.cast::<AccessToken>().map(|token| token.get().0.value().into());
    whole.or_else(|_| token.cast::<PyString>()?.to_cow())
}

fn request(py: Python<'_>, options: Option<Keywords<'_, '_>>) -> PyResult<TokenRequest> {
    let Some(_) = options else { return Ok(TokenRequest::default()) };
    TokenRequest::from_value(convert::options(options)?).map_err(|error| raise(py, &error))
}

fn ask(client: Bound<'_, Client>, options: Option<Keywords<'_, '_>>, shape: Shape) -> PyResult<Coroutine> {
    let py = client.py();
    guard(py, || {
        let request = request(py, options)?;
        Ok(Coroutine(Mutex::new(State::Unstarted(Call { client: client.unbind(), request, shape }))))
    })
}

/// Waits without the GIL. A signal handler that raises ends the wait; the fetch goes on for the others.
fn wait<T: Send>(py: Python<'_>, mut pending: Pending<T>) -> PyResult<T> {
    // Thousands of threads that came for the GIL in each slice would starve each other.
    let slice = if handles_signals(py).unwrap_or(true) { SLICE } else { Duration::MAX };
    loop {
        if let Some(answer) = py.detach(|| pending.wait_in_turn(slice)) {
            return answer.map_err(|error| raise(py, &error));
        }
        py.check_signals()?;
    }
}

/// Whether this is the thread in which Python runs signal handlers. Without `threading` there is no other that it knows.
fn handles_signals(py: Python<'_>) -> PyResult<bool> {
    // Kept: to import it anew took most of what a fetch costs here.
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let Some(threading) = MODULES.import(py, "sys", "modules")?.get_item("threading")? else { return Ok(true) };
    threading.call_method0("main_thread")?.getattr("ident")?.eq(threading.call_method0("get_ident")?)
}
