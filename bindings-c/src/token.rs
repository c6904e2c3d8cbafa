//! Access tokens for C. A handle shares the token with the other handles of the same issued one.

use std::cell::Cell;
use std::ffi::{CString, c_char};
use std::ptr::null;
use std::thread::LocalKey;
use std::time::UNIX_EPOCH;

use once_cell::race::OnceBox;
use tokenwell::AccessToken;

use crate::boundary::{c_string, get, guarded};
use crate::handle::{Opaque, Spare, free, give};

/// An access token. Owned by the caller; free it with `tokenwell_token_free`. Several threads may read it.
pub struct TokenwellToken(());

impl Opaque for TokenwellToken {
    type Inner = Token;
    const TAG: u64 = 0x6e65_6b6f_745f_7774;
    const NAME: &'static str = "token";
    const SPARE: Option<&'static LocalKey<Spare<Token>>> = Some(&SPARE);
}

thread_local!(static SPARE: Spare<Token> = const { Cell::new(None) });

/// What a [`TokenwellToken`] points to. Small, and of whole words, since each cached call makes one.
pub(crate) struct Token {
    pub(crate) token: AccessToken,
    texts: OnceBox<Texts>,
}

/// Scope and extra as C needs them, made when asked for.
type Texts = (Option<CString>, CString);

// What goes through memory on the way is read in other pieces than it was written in, for which the processor waits.
#[inline(always)]
pub(crate) fn handle(token: AccessToken) -> *mut TokenwellToken {
    give(Token { token, texts: OnceBox::new() })
}

impl Token {
    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            let extra = serde_json::to_string(self.token.extra()).unwrap_or_default();
            Box::new((self.token.scope().map(c_string), c_string(&extra)))
        })
    }
}

/// The token itself: visible ASCII. Owned by the token handle.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_token_value(token: Option<&TokenwellToken>) -> *const c_char {
    get(token, null(), |t| t.token.value_with_nul().as_ptr().cast())
}

/// Type of the token: `Bearer` (RFC 6750) or `DPoP` (RFC 9449). Static.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_token_type(token: Option<&TokenwellToken>) -> *const c_char {
    get(token, null(), |t| t.token.token_type_as_c_str().as_ptr())
}

/// Value of an `Authorization` header: `Bearer <token>` (RFC 6750 section 2.1), or `DPoP <token>`, with which goes the proof of
/// `tokenwell_client_dpop_proof`. Owned by the token handle.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_token_authorization(token: Option<&TokenwellToken>) -> *const c_char {
    get(token, null(), |t| t.token.authorization_with_nul().as_ptr().cast())
}

/// The scope that the server granted, words parted by spaces (RFC 6749 section 5.1). Owned by the token handle. NULL: none.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_token_scope(token: Option<&TokenwellToken>) -> *const c_char {
    get(token, null(), |t| t.texts().0.as_ref().map_or(null(), |text| text.as_ptr()))
}

/// Where this answer came from: `network` or `memory`. Static.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_token_source(token: Option<&TokenwellToken>) -> *const c_char {
    get(token, null(), |t| t.token.source().as_c_str().as_ptr())
}

/// The other members of the server's answer, as a JSON object. Owned by the token handle.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_token_extra(token: Option<&TokenwellToken>) -> *const c_char {
    get(token, null(), |t| t.texts().1.as_ptr())
}

/// When the token expires, in seconds since 1970-01-01 00:00 UTC. 0: no token.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_token_expires_at(token: Option<&TokenwellToken>) -> i64 {
    get(token, 0, |t| t.token.expires_at().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed()))
}

/// Whole seconds of life left now. 0: expired, or no token.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_token_expires_in(token: Option<&TokenwellToken>) -> u64 {
    get(token, 0, |t| t.token.expires_in())
}

/// Frees a token handle. The token's strings are wiped with the last handle, of the client or the caller, that shares
/// them. NULL and a handle that is refused are left alone.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_token_free(token: Option<&mut TokenwellToken>) {
    guarded(|| (), || free(token));
}
