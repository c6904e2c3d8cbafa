//! Plays a script of calls of the C interface, as a C program may make them in any order and with any bytes: with NULL, with text
//! that is no UTF-8, with a handle of another type, after a close. What was freed is not used again: that is the caller's to
//! see to. A line is the name of a call, a space, and its argument.
//!
//! The fuzz target and the test that replays its corpus share it; both have the modules of the interface at their root.

use std::ffi::{CStr, c_char};
use std::io::{BufRead, BufReader, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::ptr::{null, null_mut};

use crate::client::*;
use crate::error::*;
use crate::token::*;

/// Longer scripts find nothing that shorter ones do not.
const LONGEST: usize = 64;

const ANSWER: &str = r#"{"access_token":"abc.def","token_type":"Bearer","expires_in":3600,"scope":"a b","active":true,"x":{"y":"\u0000"}}"#;

pub fn play(script: &[u8]) {
    let mut hands = Hands::default();
    for line in script.split(|byte| *byte == b'\n').take(LONGEST) {
        let end = line.iter().position(|byte| *byte == b' ');
        let (name, argument) = line.split_at(end.unwrap_or(line.len()));
        hands.call(name, argument.get(1..));
    }
    for token in hands.tokens.drain(..) {
        // SAFETY: the library gave it out, and it is freed here alone.
        tokenwell_token_free(unsafe { token.as_mut() });
    }
    for client in hands.clients.drain(..) {
        // SAFETY: as above.
        tokenwell_client_free(unsafe { client.as_mut() });
    }
}

/// What the script holds.
#[derive(Default)]
struct Hands {
    clients: Vec<*mut TokenwellClient>,
    tokens: Vec<*mut TokenwellToken>,
}

impl Hands {
    fn call(&mut self, name: &[u8], argument: Option<&[u8]>) {
        match name {
            b"new" => self.make(argument, tokenwell_client_new),
            b"env" => self.make(argument, tokenwell_client_from_env_with),
            b"token" => self.hold(token(self.closed(), argument)),
            b"ask" => self.hold(token(served(), argument)),
            b"revoke" => report(|error| tokenwell_client_revoke(self.closed(), error)),
            b"introspect" => text(|answer, error| tokenwell_client_introspect(served(), answer, error)),
            b"proof" => self.proof(argument),
            b"nonce" => self.nonce(argument),
            b"invalidate" => self.invalidate(argument),
            b"has" => drop([self.last(), served()].map(|client| tokenwell_client_has(client, self.held()))),
            b"renew" => self.renew(),
            b"stats" => stats(self.last()),
            b"close" => drop(self.closed()),
            b"free" => self.free(),
            b"swap" => self.swap(),
            b"null" => nothing(),
            _ => {}
        }
    }

    fn last(&self) -> Option<&TokenwellClient> {
        // SAFETY: the library gave it out, and it is taken from the list before it is freed.
        self.clients.last().and_then(|client| unsafe { client.as_ref() })
    }

    /// The last client, from which nothing is sent any more.
    fn closed(&self) -> Option<&TokenwellClient> {
        let client = self.last();
        let _ = tokenwell_client_close(client);
        client
    }

    fn held(&self) -> Option<&TokenwellToken> {
        // SAFETY: as in `last`.
        self.tokens.last().and_then(|token| unsafe { token.as_ref() })
    }

    fn make(&mut self, json: Option<&[u8]>, make: Make) {
        let (json, length) = given(json);
        let mut client = MaybeUninit::uninit();
        // SAFETY: readable for its length.
        report(|error| unsafe { make(json, length, Some(&mut client), error) });
        // SAFETY: every call sets its out-parameters.
        self.clients.extend(Some(unsafe { client.assume_init() }).filter(|client| !client.is_null()));
    }

    fn hold(&mut self, token: *mut TokenwellToken) {
        self.tokens.extend(Some(token).filter(|token| !token.is_null()));
    }

    /// The last token for a new one.
    fn renew(&mut self) {
        // SAFETY: the library gave it out, and nobody has it any more.
        let last = self.tokens.pop().and_then(|token| unsafe { token.as_mut() });
        let (mut token, mut value) = (MaybeUninit::uninit(), null());
        report(|error| {
            value = tokenwell_client_renew(served(), last, Some(&mut token), error);
            if value.is_null() { TokenwellStatus::ConfigError } else { TokenwellStatus::Ok }
        });
        // SAFETY: every call sets its out-parameters.
        let token = unsafe { token.assume_init() };
        assert!(is_text(value) && token.is_null() == value.is_null());
        self.hold(token);
    }

    /// `method url token`
    fn proof(&self, argument: Option<&[u8]>) {
        let mut parts = argument.unwrap_or_default().splitn(3, |byte| *byte == b' ');
        let [(method, a), (url, b), (token, c)] = [given(parts.next()), given(parts.next()), given(parts.next())];
        for client in [self.last(), served()] {
            // SAFETY: readable for their lengths.
            text(|proof, error| unsafe {
                tokenwell_client_dpop_proof(client, method, a, url, b, token, c, proof, error)
            });
        }
    }

    /// `url nonce`
    fn nonce(&self, argument: Option<&[u8]>) {
        let mut parts = argument.unwrap_or_default().splitn(2, |byte| *byte == b' ');
        let [(url, a), (nonce, b)] = [given(parts.next()), given(parts.next())];
        // SAFETY: readable for their lengths.
        sound(unsafe { tokenwell_client_dpop_nonce(self.last(), url, a, nonce, b) });
    }

    fn invalidate(&self, value: Option<&[u8]>) {
        let (value, length) = given(value);
        for client in [self.last(), served()] {
            // SAFETY: readable for its length.
            sound(unsafe { tokenwell_client_invalidate(client, value, length) });
        }
    }

    fn free(&mut self) {
        // SAFETY: the library gave it out, and nobody has it any more.
        tokenwell_client_free(self.clients.pop().and_then(|client| unsafe { client.as_mut() }));
        // SAFETY: as above.
        tokenwell_token_free(self.tokens.pop().and_then(|token| unsafe { token.as_mut() }));
    }

    /// A handle of each type where the other belongs: it is refused, and lives on.
    fn swap(&self) {
        let client = self.last().map(std::ptr::from_ref);
        // SAFETY: types without size, which the library tells apart by what is there.
        let as_token = client.and_then(|client| unsafe { client.cast::<TokenwellToken>().as_ref() });
        // SAFETY: as above.
        let as_client =
            self.held().and_then(|token| unsafe { std::ptr::from_ref(token).cast::<TokenwellClient>().as_ref() });
        assert!(tokenwell_token_value(as_token).is_null() && tokenwell_client_stats(as_client).is_null());
        // SAFETY: as above; nothing is written to what is refused.
        tokenwell_token_free(client.and_then(|client| unsafe { client.cast_mut().cast::<TokenwellToken>().as_mut() }));
        stats(self.last());
    }
}

fn token(client: Option<&TokenwellClient>, json: Option<&[u8]>) -> *mut TokenwellToken {
    let (json, length) = given(json);
    let mut token = MaybeUninit::uninit();
    // SAFETY: readable for its length.
    report(|error| unsafe { tokenwell_client_token_with(client, json, length, Some(&mut token), error) });
    // SAFETY: every call sets its out-parameters.
    let token = unsafe { token.assume_init() };
    // SAFETY: NULL, or a token that is the caller's now.
    if let Some(seen) = unsafe { token.as_ref() } {
        show(seen);
    }
    token
}

type Make = unsafe extern "C" fn(
    *const c_char,
    usize,
    Option<&mut MaybeUninit<*mut TokenwellClient>>,
    Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> TokenwellStatus;

/// NULL, or the bytes.
fn given(bytes: Option<&[u8]>) -> (*const c_char, usize) {
    bytes.map_or((null(), 0), |bytes| (bytes.as_ptr().cast(), bytes.len()))
}

/// A panic that was caught at the border is a find, too.
fn sound(status: TokenwellStatus) {
    assert!(!matches!(status, TokenwellStatus::InternalError));
}

fn is_text(text: *const c_char) -> bool {
    // SAFETY: the header says that it is NULL or a string.
    text.is_null() || unsafe { CStr::from_ptr(text) }.to_str().is_ok()
}

/// Makes a call, reads its error as a C program would, and frees it.
fn report(call: impl FnOnce(Option<&mut MaybeUninit<*mut TokenwellError>>) -> TokenwellStatus) {
    let mut error = MaybeUninit::uninit();
    let status = call(Some(&mut error));
    // SAFETY: every call sets its out-parameters, to NULL or to an object that is the caller's now.
    let error = unsafe { error.assume_init().as_mut() };
    assert_eq!(matches!(status, TokenwellStatus::Ok), error.is_none());
    let Some(error) = error else { return };
    let seen = Some(&*error);
    let texts = [tokenwell_error_kind(seen), tokenwell_error_code(seen), tokenwell_error_message(seen)];
    assert!(texts.into_iter().all(|text| !text.is_null() && is_text(text)));
    assert!(is_text(tokenwell_error_hint(seen)) && is_text(tokenwell_error_error_description(seen)));
    let _ = (tokenwell_error_retryable(seen), tokenwell_error_retry_after(seen), tokenwell_error_http_status(seen));
    tokenwell_error_free(Some(error));
    sound(status);
}

/// Makes a call that gives a string.
fn text(
    call: impl FnOnce(
        Option<&mut MaybeUninit<*mut c_char>>,
        Option<&mut MaybeUninit<*mut TokenwellError>>,
    ) -> TokenwellStatus,
) {
    let mut made = MaybeUninit::uninit();
    report(|error| call(Some(&mut made), error));
    // SAFETY: every call sets its out-parameters.
    let made = unsafe { made.assume_init() };
    assert!(is_text(made));
    // SAFETY: NULL, or a string that is the caller's.
    unsafe { tokenwell_string_free(made) };
}

fn stats(client: Option<&TokenwellClient>) {
    let stats = tokenwell_client_stats(client);
    assert!(is_text(stats) && stats.is_null() == client.is_none());
    // SAFETY: NULL, or a string that is the caller's.
    unsafe { tokenwell_string_free(stats) };
}

fn show(token: &TokenwellToken) {
    let seen = Some(token);
    let texts = [tokenwell_token_value(seen), tokenwell_token_type(seen), tokenwell_token_authorization(seen)];
    assert!(texts.into_iter().all(|text| !text.is_null() && is_text(text)));
    let texts = [tokenwell_token_scope(seen), tokenwell_token_source(seen), tokenwell_token_extra(seen)];
    assert!(texts.into_iter().all(is_text));
    assert!(tokenwell_token_expires_at(seen) > 0 && tokenwell_token_expires_in(seen) <= 3600);
}

/// NULL for everything.
fn nothing() {
    // SAFETY: NULL is allowed everywhere.
    let status = unsafe { tokenwell_client_new(null(), 0, None, None) };
    assert!(matches!(status, TokenwellStatus::ConfigError));
    report(|error| tokenwell_client_token(None, None, error));
    tokenwell_client_free(None);
    tokenwell_token_free(None);
    tokenwell_error_free(None);
    // SAFETY: as above.
    unsafe { tokenwell_string_free(null_mut()) };
}

thread_local! {
    static SERVED: *mut TokenwellClient = {
        let options = format!(
            r#"{{"token_endpoint":"{0}","introspection_endpoint":"{0}","client_id":"a","client_secret":"b","proxy":"none"}}"#,
            server()
        );
        let mut client = MaybeUninit::uninit();
        // SAFETY: readable for its length.
        report(|error| unsafe { tokenwell_client_new(options.as_ptr().cast(), options.len(), Some(&mut client), error) });
        // SAFETY: every call sets its out-parameters.
        unsafe { client.assume_init() }
    };
}

/// A client that gets tokens, of a server in this process. It lives as long as the thread.
fn served() -> Option<&'static TokenwellClient> {
    // SAFETY: the library gave it out, and nobody frees it.
    SERVED.with(|client| unsafe { client.as_ref() })
}

/// The address of a server that answers every request with [`ANSWER`].
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        listener.incoming().flatten().for_each(|stream| drop(std::thread::spawn(|| answer(stream))))
    });
    format!("http://{address}/token")
}

fn answer(stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).ok()? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            line.clear();
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", ANSWER.len());
        reader.get_mut().write_all((head + ANSWER).as_bytes()).ok()?;
    }
}
