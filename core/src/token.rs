//! An access token, and what came with it.

use std::ffi::CStr;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::Guard;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::clock::Moment;

/// Where a token came from.
///
/// A word, since it is moved about as one in an [`AccessToken`]: to read a word of which a byte was just written, the processor
/// waits until that is in its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
#[non_exhaustive]
pub enum Source {
    /// The authorization server, for this call.
    Network,
    /// The memory of this process.
    Memory,
    /// The file store: another process asked for it.
    File,
    /// Redis: another process asked for it.
    Redis,
}

impl Source {
    /// `network`, `memory`, `file` or `redis`.
    pub fn as_str(self) -> &'static str {
        self.as_c_str().to_str().unwrap_or_default()
    }

    /// [`Source::as_str`] for the C interface.
    #[doc(hidden)]
    pub fn as_c_str(self) -> &'static CStr {
        match self {
            Source::Network => c"network",
            Source::Memory => c"memory",
            Source::File => c"file",
            Source::Redis => c"redis",
        }
    }
}

/// How a token is presented to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenType {
    /// By whoever holds it (RFC 6750).
    Bearer,
    /// With a proof of the key that it is bound to (RFC 9449).
    Dpop,
}

impl TokenType {
    /// The name, which is the scheme of the `Authorization` header too.
    pub(crate) fn as_str(self) -> &'static str {
        self.as_c_str().to_str().unwrap_or_default()
    }

    fn as_c_str(self) -> &'static CStr {
        match self {
            TokenType::Bearer => c"Bearer",
            TokenType::Dpop => c"DPoP",
        }
    }

    /// The type of this name, as [`TokenType::as_str`] gives it.
    pub(crate) fn of(name: &str) -> Option<TokenType> {
        [TokenType::Bearer, TokenType::Dpop].into_iter().find(|one| one.as_str() == name)
    }
}

/// The text of a token, as an `Authorization` header carries it and with the NUL that C wants behind it: one copy in memory
/// serves every caller. Wiped when dropped.
#[derive(PartialEq, Eq)]
pub(crate) struct TokenText {
    header: Zeroizing<String>,
    pub(crate) token_type: TokenType,
}

impl TokenText {
    pub(crate) fn new(token_type: TokenType, value: &str) -> TokenText {
        let scheme = token_type.as_str();
        // Of the final size at once: growing would leave a copy behind.
        let mut header = Zeroizing::new(String::with_capacity(scheme.len() + value.len() + 2));
        for part in [scheme, " ", value, "\0"] {
            header.push_str(part);
        }
        TokenText { header, token_type }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.header[self.start()..self.header.len() - 1]
    }

    fn start(&self) -> usize {
        self.token_type.as_c_str().count_bytes() + 1
    }
}

/// A token as it is kept: shared by all who hold it, wiped when the last lets go.
///
/// What a cached call reads stands together, as in a client.
#[repr(C)]
pub(crate) struct Held {
    /// When the request was sent: age counts from here, so that time on the way never makes a token look younger.
    pub(crate) sent: Moment,
    pub(crate) lifetime: Duration,
    /// How far the wall clock was ahead of the other one when it was sent, nanoseconds: a change tells of a jump.
    pub(crate) wall_ahead: i64,
    pub(crate) value: TokenText,
    /// Where this process has it from.
    pub(crate) origin: Source,
    pub(crate) scope: Option<String>,
    pub(crate) extra: Map<String, Value>,
    pub(crate) expires_at: SystemTime,
}

/// Of this size it takes the place in memory of what the entry before it held, amid its client, where the processor looks ahead: larger
/// by a word, other things came between, and of ten thousand clients in turn each call took twice as long.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Held>() <= 136);

impl Held {
    /// What an entry holds while it holds no token: one that lives for no time.
    pub(crate) fn nothing() -> Arc<Held> {
        Arc::new(Held {
            value: TokenText::new(TokenType::Bearer, ""),
            scope: None,
            extra: Map::new(),
            origin: Source::Memory,
            sent: Moment::default(),
            wall_ahead: 0,
            lifetime: Duration::ZERO,
            expires_at: SystemTime::UNIX_EPOCH,
        })
    }

    /// What remains of its life; zero when it has expired.
    pub(crate) fn left(&self, now: Moment) -> Duration {
        self.lifetime.saturating_sub(now.since(self.sent))
    }
}

/// An access token (RFC 6749 section 1.4). Cheap to clone. `Debug` shows no value; there is no `Display`.
pub struct AccessToken {
    /// Borrowed from the entry by a note of this thread's own: threads that get the same token count nothing together.
    held: Guard<Arc<Held>>,
    source: Source,
}

impl Clone for AccessToken {
    /// A clone counts: there are few notes, and a token that is cloned is kept.
    fn clone(&self) -> AccessToken {
        AccessToken::new(Guard::from_inner(Arc::clone(&self.held)), self.source)
    }
}

impl AccessToken {
    pub(crate) fn new(held: Guard<Arc<Held>>, source: Source) -> AccessToken {
        AccessToken { held, source }
    }

    /// From where the process has it.
    pub(crate) fn as_it_came(held: Arc<Held>) -> AccessToken {
        let source = held.origin;
        AccessToken::new(Guard::from_inner(held), source)
    }

    /// The token itself, visible ASCII.
    pub fn value(&self) -> &str {
        self.held.value.as_str()
    }

    /// `Bearer` (RFC 6750), or `DPoP` for a token that is bound to the client's key (RFC 9449).
    pub fn token_type(&self) -> &str {
        self.held.value.token_type.as_str()
    }

    /// [`AccessToken::token_type`] for the C interface.
    #[doc(hidden)]
    pub fn token_type_as_c_str(&self) -> &'static CStr {
        self.held.value.token_type.as_c_str()
    }

    /// When the token expires, by the wall clock of this machine.
    pub fn expires_at(&self) -> SystemTime {
        self.held.expires_at
    }

    /// Whole seconds until it expires, counted now; 0 when it has.
    pub fn expires_in(&self) -> u64 {
        self.held.left(Moment::now()).as_secs()
    }

    /// The scope that the server named, words joined by a space. It can be narrower than what was asked for (RFC 6749
    /// section 3.3). `None`: the server named none.
    pub fn scope(&self) -> Option<&str> {
        self.held.scope.as_deref()
    }

    /// Where this answer came from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The other members of the server's answer.
    pub fn extra(&self) -> &Map<String, Value> {
        &self.held.extra
    }

    /// The value of an `Authorization` header: `Bearer ...` (RFC 6750 section 2.1), or `DPoP ...` (RFC 9449 section 7.1), which
    /// goes with the proof of [`Client::dpop_proof`](crate::Client::dpop_proof).
    pub fn authorization(&self) -> &str {
        &self.held.value.header[..self.held.value.header.len() - 1]
    }

    /// [`AccessToken::authorization`] with a NUL behind it, for the C interface.
    #[doc(hidden)]
    pub fn authorization_with_nul(&self) -> &str {
        &self.held.value.header
    }

    /// [`AccessToken::value`] with a NUL behind it, for the C interface.
    #[doc(hidden)]
    pub fn value_with_nul(&self) -> &[u8] {
        &self.held.value.header.as_bytes()[self.held.value.start()..]
    }

    /// A number that is the same for all copies of one issued token while one of them lives, so that a binding can
    /// keep its own string beside it.
    pub fn identity(&self) -> usize {
        Arc::as_ptr(&self.held).addr()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("value", &"[redacted]")
            .field("token_type", &self.token_type())
            .field("expires_in", &self.expires_in())
            .field("scope", &self.held.scope)
            .field("source", &self.source.as_str())
            .finish_non_exhaustive()
    }
}

/// The bearer string of a token. Reads as a `str`; `Display` writes the token, `Debug` does not.
#[derive(Clone)]
pub struct TokenValue(pub(crate) AccessToken);

impl Deref for TokenValue {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.value()
    }
}

impl AsRef<str> for TokenValue {
    fn as_ref(&self) -> &str {
        self
    }
}

impl PartialEq<str> for TokenValue {
    fn eq(&self, other: &str) -> bool {
        self.0.value() == other
    }
}

impl fmt::Display for TokenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for TokenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenValue([redacted])")
    }
}
