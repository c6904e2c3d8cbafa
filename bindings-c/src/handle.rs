//! Objects behind opaque pointers. The first word of each tells which kind it is and that it lives.
//!
//! C's `tokenwell_client *` arrives as `Option<&TokenwellClient>`: a type without size that Rust code cannot make, so a
//! reference to it exists only where C passed a pointer, and says no more than that the pointer is not NULL.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::LocalKey;

/// A type that C holds by pointer.
pub(crate) trait Opaque: Sized {
    /// What is really there.
    type Inner: 'static;
    /// The first word of a live object; no two types share one.
    const TAG: u64;
    /// What an argument of this type is called in messages.
    const NAME: &'static str;
    /// Where a thread keeps the memory of the handle that it freed last for its next one: an allocator takes longer.
    const SPARE: Option<&'static LocalKey<Spare<Self::Inner>>> = None;
}

pub(crate) type Spare<T> = Cell<Option<Box<MaybeUninit<Tagged<T>>>>>;

/// The first word of an object that has been freed.
const FREED: u64 = 0x6465_6572_665f_7774;

#[repr(C)]
pub(crate) struct Tagged<T> {
    tag: AtomicU64,
    inner: T,
}

/// Moves `inner` to the heap and gives its ownership to C.
#[inline(always)]
pub(crate) fn give<O: Opaque>(inner: O::Inner) -> *mut O {
    let place = O::SPARE.and_then(|spare| spare.try_with(Cell::take).ok()?).unwrap_or_else(Box::new_uninit);
    Box::into_raw(Box::write(place, Tagged { tag: AtomicU64::new(O::TAG), inner })).cast()
}

/// The first word behind a handle, if a live object of this type is there.
fn live<O: Opaque>(handle: &O) -> Option<&AtomicU64> {
    let tag = std::ptr::from_ref(handle).cast::<AtomicU64>();
    // SAFETY: aligned, and C passes only pointers that this library gave out, of whichever type: each begins with this
    // word. After a free it differs from O::TAG until the allocator uses the memory again.
    tag.is_aligned().then(|| unsafe { &*tag }).filter(|tag| tag.load(Ordering::Relaxed) == O::TAG)
}

/// The object behind a handle; `None` for one of another type or freed.
pub(crate) fn borrow<O: Opaque>(handle: &O) -> Option<&O::Inner> {
    live(handle)?;
    // SAFETY: the tag says that a live `Tagged` of this type is there; by the header's rules it is not freed during a call.
    Some(unsafe { &(*std::ptr::from_ref(handle).cast::<Tagged<O::Inner>>()).inner })
}

/// Takes the object behind a handle back from C and drops it. Nothing happens for what `borrow` refuses, as after a free.
pub(crate) fn free<O: Opaque>(handle: Option<&mut O>) {
    let Some(handle) = handle else { return };
    if let Some(tag) = live(handle) {
        // No exchange, which takes as long as all the rest: the last user of a handle is one.
        tag.store(FREED, Ordering::Relaxed);
        let object = std::ptr::from_mut(handle).cast::<Tagged<O::Inner>>();
        // SAFETY: the tag was live and of this type, and by the header's rules no other thread uses a handle while it is freed;
        // `give` made the box. What is in it is dropped once, here: the box does not do that.
        let spare = unsafe {
            std::ptr::drop_in_place(&raw mut (*object).inner);
            Box::from_raw(object.cast::<MaybeUninit<Tagged<O::Inner>>>())
        };
        if let Some(place) = O::SPARE {
            // Where the thread is ending, both are freed.
            let _ = place.try_with(|place| place.set(Some(spare)));
        }
    }
}
