//! The border between C and Rust: the only place that catches a panic, sets out-parameters, reads and makes C's strings.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::slice;

use crate::error::{Failure, TokenwellError, TokenwellStatus};
use crate::handle::{Opaque, borrow, give};

/// An out-parameter: NULL, or a place for a pointer that C need not have set. (The functions write the type out: cbindgen
/// would give the alias to C.)
type Out<'a, T> = Option<&'a mut MaybeUninit<*mut T>>;

/// Runs `body`; a panic in it becomes what `on_panic` returns.
pub(crate) fn guarded<T>(on_panic: impl FnOnce() -> T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| on_panic())
}

/// Runs `body`, hands what it makes to C through `out`, the parameter `name`, and its failure through `error`. Both are set
/// in every case, to NULL where there is nothing; where either is missing, `body` does not run.
pub(crate) fn fill<T>(
    name: &str,
    out: Out<T>,
    error: Out<TokenwellError>,
    body: impl FnOnce() -> Result<*mut T, Failure>,
) -> TokenwellStatus {
    let (out, error) = (out.map(|out| out.write(null_mut())), error.map(|error| error.write(null_mut())));
    let outcome = match (&out, &error) {
        (None, _) => Err(Failure::null(name)),
        (_, None) => Err(Failure::null(TokenwellError::NAME)),
        _ => guarded(|| Err(Failure::panicked()), body),
    };
    let status = outcome.as_ref().map_or_else(Failure::status, |_| TokenwellStatus::Ok);
    match (outcome, out, error) {
        (Ok(made), Some(out), _) => *out = made,
        (Err(failure), _, Some(error)) => *error = give(failure),
        _ => {}
    }
    status
}

/// The status of a call that has no out-parameters.
pub(crate) fn status(body: impl FnOnce() -> Result<(), Failure>) -> TokenwellStatus {
    guarded(|| Err(Failure::panicked()), body).map_or_else(|failure| failure.status(), |()| TokenwellStatus::Ok)
}

/// The object behind a handle, or the failure that refuses it.
pub(crate) fn object<O: Opaque>(handle: Option<&O>) -> Result<&O::Inner, Failure> {
    let handle = handle.ok_or_else(|| Failure::null(O::NAME))?;
    borrow(handle).ok_or_else(|| Failure::argument(O::NAME, "is freed or of another type"))
}

/// What `read` gets from an object; `missing` for NULL or a handle that is refused, and after a panic.
pub(crate) fn get<O: Opaque, R: Copy>(handle: Option<&O>, missing: R, read: impl FnOnce(&O::Inner) -> R) -> R {
    guarded(|| missing, || handle.and_then(borrow).map_or(missing, read))
}

/// The caller's `length` bytes at `ptr`; `name` is the parameter's.
///
/// # Safety
/// `ptr` is NULL or readable for `length` bytes, and stays so while the result is in use.
pub(crate) unsafe fn bytes<'a>(ptr: *const c_char, length: usize, name: &str) -> Result<&'a [u8], Failure> {
    match isize::try_from(length) {
        _ if ptr.is_null() => Err(Failure::null(name)),
        Err(_) => Err(Failure::argument(name, "is longer than any memory")),
        // SAFETY: not NULL, readable for `length` bytes as the caller promises, and no longer than an object can be.
        Ok(_) => Ok(unsafe { slice::from_raw_parts(ptr.cast(), length) }),
    }
}

/// The caller's text, which must be UTF-8.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(ptr: *const c_char, length: usize, name: &str) -> Result<&'a str, Failure> {
    // SAFETY: as the caller promises.
    std::str::from_utf8(unsafe { bytes(ptr, length, name)? }).map_err(|_| Failure::argument(name, "is not UTF-8"))
}

/// A C string of `text`; a NUL inside, which C could not see past, becomes U+FFFD.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{FFFD}")).unwrap_or_default()
}
