//! The running part of the library: runtime (`drive.rs`), HTTP clients, flights, registry, behind one pointer.
//!
//! Fork: a child gets a new engine on first use, because the runtime's thread does not exist there and any lock may be
//! held by a thread that is gone. The handler in the child only moves the pointer aside; the parent's engine is leaked in
//! the child and never dropped. Of it, only the kept tokens are read, and only if their lock was free. The only `unsafe` of this crate is here.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
use std::cell::Cell;
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, AtomicI32};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use crate::cache::memory::Registry;
use crate::cache::turns::Turns;
use crate::cache::{self, Store};
use crate::certificate::ClientCertificate;
use crate::clock::Moment;
use crate::config::{Cache, Config};
use crate::discovery::Shelf;
use crate::drive::Drive;
use crate::error::Error;
use crate::flight::Flights;
use crate::gate::Gate;
#[cfg(target_os = "linux")]
use crate::secret::DEEPEST;
use crate::source::Source;
use crate::transport::{self, Authorities, Http, Kept, Route, Version};

static ENGINE: AtomicPtr<Engine> = AtomicPtr::new(std::ptr::null_mut());
/// In a child after fork: the parent's engine.
static INHERITED: AtomicPtr<Engine> = AtomicPtr::new(std::ptr::null_mut());

/// HTTP clients that are kept with their connections.
const MOST_ROUTES: usize = 256;
/// A CA file is looked at so often: a renewed one is another route.
const CA_LOOK: Duration = Duration::from_secs(1);
/// Issuers whose metadata is kept, each for every route to it; more push out the one that was asked about longest ago.
const MOST_ISSUERS: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");
/// Shared stores that are kept with their connections; more push out the one that was asked longest ago.
const MOST_STORES: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");
/// Files that somebody was warned of; more are named anew.
const MOST_WARNINGS: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// A CA file, when it was looked at, and what it was; `None`: not there.
type CaFile = (PathBuf, Moment, Option<Version>);

pub(crate) struct Engine {
    /// Started with the first flight: making a client starts no thread.
    drive: Mutex<Option<&'static Drive>>,
    /// Lists: most processes have one or two routes, which are sooner compared than hashed.
    http: Mutex<Vec<(Route, Kept)>>,
    /// What CA files were when they were last looked at.
    ca_files: Mutex<Vec<CaFile>>,
    /// Here and not in a static, which a fork could leave half made.
    system: Arc<Authorities>,
    metadata: Mutex<LruCache<(Route, String), Shelf>>,
    warned: Mutex<LruCache<Source, ()>>,
    stores: Mutex<LruCache<Cache, Arc<dyn Store>>>,
    /// At the server, while the shared store is down.
    pub(crate) turns: Turns,
    pub(crate) flights: Flights,
    /// For threads of an interpreter that lets one run at a time.
    pub(crate) gate: Gate,
    /// Flights under way; those of a parent do not exist in a child.
    pub(crate) in_flight: AtomicU64,
    pub(crate) registry: Registry,
}

/// The engine of this process.
pub(crate) fn engine() -> &'static Engine {
    let current = ENGINE.load(Ordering::Acquire);
    // SAFETY: the pointer is null or came from `Box::into_raw` below, and no engine is ever freed.
    match unsafe { current.as_ref() } {
        Some(engine) => engine,
        None => install(),
    }
}

#[cold]
fn install() -> &'static Engine {
    let _uncancelled = Uncancelled::new();
    watch_for_fork();
    // SAFETY: null, or the parent's engine, which is never freed.
    let inherited = unsafe { INHERITED.load(Ordering::Acquire).as_ref() };
    let registry = inherited.map_or_else(Registry::new, |parent| parent.registry.inherit());
    let fresh = Box::into_raw(Box::new(Engine::new(registry)));
    let installed = ENGINE.compare_exchange(std::ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
    match installed {
        // SAFETY: `fresh` came from a box that is never freed from here on.
        Ok(_) => unsafe { &*fresh },
        Err(other) => {
            // SAFETY: another thread was first; `fresh` was never shared, so it can be dropped, and has started no thread.
            drop(unsafe { Box::from_raw(fresh) });
            // SAFETY: `other` is not null, and no engine is ever freed.
            unsafe { &*other }
        }
    }
}

/// Registers the handler once a process family; a child inherits it.
#[cfg(unix)]
fn watch_for_fork() {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    extern "C" fn forget_engine() {
        for lock in &LOCKS {
            let descriptor = lock.swap(NO_FILE, Ordering::AcqRel);
            if descriptor != NO_FILE {
                // SAFETY: the parent's `File` behind it is out of reach in the child and never dropped there.
                unsafe { libc::close(descriptor) };
            }
        }
        let parent = ENGINE.swap(std::ptr::null_mut(), Ordering::AcqRel);
        if !parent.is_null() {
            INHERITED.store(parent, Ordering::Release);
        }
        crate::random::draw_again();
        crate::clock::read_again();
    }
    // Registered first and noted then: two threads may both do it, which does no harm, but none may go on without it.
    if !REGISTERED.load(Ordering::SeqCst) {
        // SAFETY: the handler does nothing but atomic stores and close(2), which are allowed between fork and exec; it lives as long as the
        // process, since the library is never unloaded (it is linked with nodelete).
        unsafe { libc::pthread_atfork(None, None, Some(forget_engine)) };
        REGISTERED.store(true, Ordering::SeqCst);
    }
}

#[cfg(not(unix))]
fn watch_for_fork() {}

/// No descriptor.
#[cfg(unix)]
const NO_FILE: i32 = -1;
/// Descriptors of the files on which this process has kernel locks. A child closes them: the lock belongs to the open file, and
/// would outlive a parent that is killed. More locks at once than places are not noted.
#[cfg(unix)]
static LOCKS: [AtomicI32; 64] = [const { AtomicI32::new(NO_FILE) }; 64];

/// A descriptor that a forked child closes; to be dropped before it is closed.
#[cfg(unix)]
pub(crate) struct ClosedInChild(Option<&'static AtomicI32>);

#[cfg(unix)]
impl ClosedInChild {
    pub(crate) fn new(descriptor: i32) -> ClosedInChild {
        watch_for_fork();
        let take = |place: &&AtomicI32| {
            place.compare_exchange(NO_FILE, descriptor, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        ClosedInChild(LOCKS.iter().find(take))
    }
}

#[cfg(unix)]
impl Drop for ClosedInChild {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            place.store(NO_FILE, Ordering::Release);
        }
    }
}

impl Engine {
    fn new(registry: Registry) -> Engine {
        Engine {
            drive: Mutex::default(),
            http: Mutex::default(),
            ca_files: Mutex::default(),
            system: Arc::new(Authorities::new(None)),
            metadata: Mutex::new(LruCache::new(MOST_ISSUERS)),
            warned: Mutex::new(LruCache::new(MOST_WARNINGS)),
            stores: Mutex::new(LruCache::new(MOST_STORES)),
            turns: Turns::default(),
            flights: Flights::new(),
            gate: Gate::default(),
            in_flight: AtomicU64::new(0),
            registry,
        }
    }

    /// Whether it is not another process's, from before a fork.
    pub(crate) fn is_own(&self) -> bool {
        std::ptr::eq(ENGINE.load(Ordering::Acquire), self)
    }

    /// The runtime and who drives it, started if it is not. A failure is not kept: a system that has no thread now may have one
    /// later.
    pub(crate) fn drive(&self) -> Result<&'static Drive, Error> {
        let mut drive = lock(&self.drive);
        match *drive {
            Some(drive) => Ok(drive),
            None => Drive::start().map(|started| *drive.insert(started)),
        }
    }

    /// Sees to it that what is under way goes on without the thread that asks this.
    pub(crate) fn attend(&self) {
        if let Ok(drive) = self.drive() {
            drive.attend();
        }
    }

    /// Whether nobody was warned of this source yet.
    pub(crate) fn is_news(&self, source: &Source) -> bool {
        lock(&self.warned).put(source.clone(), ()).is_none()
    }

    /// The route of a client that shows this certificate.
    pub(crate) fn route(&self, config: &Config, certificate: Option<&ClientCertificate>) -> Route {
        let version = config.tls_ca_file.as_deref().and_then(|path| self.ca_version(path));
        Route::new(config, certificate, version)
    }

    /// Whether a request of these options can be sent without a look at a file, a use of a key, or anything to set up.
    pub(crate) fn is_ready(&self, config: &Config) -> bool {
        if config.uses_key() || config.cache.is_shared() {
            return false;
        }
        let version = match config.tls_ca_file.as_deref() {
            Some(path) => self.ca_files.try_lock().ok().and_then(|files| known_version(&files, path)),
            None => Some(None),
        };
        version.is_some_and(|version| {
            let route = Route::new(config, None, version);
            self.http.try_lock().is_ok_and(|clients| clients.iter().any(|(known, _)| *known == route))
        })
    }

    fn ca_version(&self, path: &Path) -> Option<Version> {
        let mut files = lock(&self.ca_files);
        if let Some(version) = known_version(&files, path) {
            return version;
        }
        files.retain(|(known, ..)| known != path);
        if files.len() >= MOST_ROUTES {
            files.clear();
        }
        let (looked, version) = (Moment::now(), transport::version(path));
        files.push((path.to_owned(), looked, version));
        version
    }

    /// The HTTP client of a route, with its open connections, which show this certificate.
    pub(crate) fn http(&self, route: &Route, certificate: Option<&ClientCertificate>) -> Result<Arc<Http>, Error> {
        let mut clients = lock(&self.http);
        let known = clients.iter().find(|(known, _)| known == route);
        if let Some(client) = known.and_then(|(_, kept)| kept.client()) {
            return Ok(client);
        }
        // Routes change with a proxy's name or a renewed CA file: old ones are let go when there are many.
        if clients.len() >= MOST_ROUTES {
            clients.clear();
        }
        let client = Arc::new(route.client(&self.system, certificate)?);
        let kept = match certificate {
            Some(_) => Kept::WhileConnected(Arc::downgrade(&client)),
            None => Kept::Always(client.clone()),
        };
        clients.retain(|(known, _)| known != route);
        clients.push((route.clone(), kept));
        Ok(client)
    }

    /// TLS for a connection that is no HTTP, with the authorities of this file or else the operating system's.
    pub(crate) fn tls(&self, ca_file: Option<&Path>) -> Result<rustls::ClientConfig, Error> {
        transport::tls(ca_file, &self.system, None)
    }

    /// What is known of an issuer, reached on this route.
    pub(crate) fn metadata(&self, issuer: &(Route, String)) -> Shelf {
        let mut shelves = lock(&self.metadata);
        shelves.get_or_insert(issuer.clone(), Shelf::default).clone()
    }

    /// The shared store of this option, with its connections.
    pub(crate) fn store(&self, cache: &Cache) -> Option<Arc<dyn Store>> {
        let mut stores = lock(&self.stores);
        if let Some(store) = stores.get(cache) {
            return Some(store.clone());
        }
        let store = cache::open(cache)?;
        stores.put(cache.clone(), store.clone());
        Some(store)
    }
}

/// What a CA file was, if it was looked at not long ago.
fn known_version(files: &[CaFile], path: &Path) -> Option<Option<Version>> {
    let (_, looked, version) = files.iter().find(|(known, ..)| known == path)?;
    (Moment::now().since(*looked) < CA_LOOK).then_some(*version)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The host program's signals are for its own threads: an interpreter expects them on its main thread.
#[cfg(unix)]
pub(crate) fn block_signals() {
    // SAFETY: `set` is written by sigfillset before it is read, and the mask is that of the library's own thread.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&mut set);
        libc::pthread_sigmask(libc::SIG_SETMASK, &set, std::ptr::null_mut());
    }
}

#[cfg(not(unix))]
pub(crate) fn block_signals() {}

/// As long as it lives, nobody can end this thread in the middle of a call (pthread_cancel): a system call that can wait, to read a
/// file, to draw at random, would unwind through Rust, which ends the process. What has come meanwhile holds afterwards. It takes as
/// long as half of a cached call, which makes no such call.
#[cfg(target_os = "linux")]
pub(crate) struct Uncancelled(libc::c_int);

#[cfg(target_os = "linux")]
unsafe extern "C" {
    /// POSIX; the `libc` crate has it for other systems only.
    safe fn pthread_setcancelstate(state: libc::c_int, before: &mut libc::c_int) -> libc::c_int;
}

#[cfg(target_os = "linux")]
impl Uncancelled {
    pub(crate) fn new() -> Uncancelled {
        const PTHREAD_CANCEL_DISABLE: libc::c_int = 1;
        let mut before = 0;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut before);
        Uncancelled(before)
    }
}

#[cfg(target_os = "linux")]
impl Drop for Uncancelled {
    fn drop(&mut self) {
        pthread_setcancelstate(self.0, &mut 0);
    }
}

/// No thread but the library's own drives.
#[cfg(not(target_os = "linux"))]
pub(crate) struct Uncancelled;

#[cfg(not(target_os = "linux"))]
impl Uncancelled {
    pub(crate) fn new() -> Uncancelled {
        Uncancelled
    }
}

/// Whether this socket has something to read, or an end. What is no socket any more has.
#[cfg(unix)]
pub(crate) fn has_news(descriptor: i32) -> bool {
    let mut asked = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
    // SAFETY: one place, of this function; poll(2) takes any number for a descriptor.
    unsafe { libc::poll(&mut asked, 1, 0) != 0 }
}

#[cfg(not(unix))]
pub(crate) fn has_news(_: i32) -> bool {
    true
}

/// The wall clock in whole seconds since 1970. The kernel has them ready, so it takes half the time of any other clock, which is
/// a tenth of a cached call.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
pub(crate) fn wall_seconds() -> i64 {
    // SAFETY: time(2) writes nothing where it is given no place, and fails for no other reason.
    unsafe { libc::time(std::ptr::null_mut()) }
}

/// What a token request needs of the stack, bytes.
#[cfg(target_os = "linux")]
const ROOM: usize = 4 * DEEPEST;

/// Whether this thread's stack has room for a token request. `false` where that is not known: on a stack that the program has
/// made itself, for coroutines.
#[cfg(target_os = "linux")]
pub(crate) fn has_room() -> bool {
    thread_local!(static STACK: Cell<(usize, usize)> = const { Cell::new((0, 0)) });
    let asked = STACK.try_with(|stack| {
        if stack.get() == (0, 0) {
            stack.set(stack_of_this_thread());
        }
        stack.get()
    });
    let (low, high) = asked.unwrap_or_default();
    let here = std::ptr::from_ref(&low).addr();
    here < high && here.saturating_sub(low) >= ROOM
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn has_room() -> bool {
    false
}

/// From the lowest to the highest address; both 1 where nobody knows.
#[cfg(target_os = "linux")]
fn stack_of_this_thread() -> (usize, usize) {
    let first = stack_of_the_first_thread();
    if (first.0..first.1).contains(&std::ptr::from_ref(&first).addr()) {
        return first;
    }
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: initialises `attributes` when it returns 0, else leaves it alone.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return (1, 1);
    }
    let (mut low, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes were initialised above, are read into two places of the right types, and end here.
    unsafe {
        libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    (low.addr(), low.addr() + size)
}

/// The same of the thread that the process began with, for which the C library would read all of /proc/self/maps. It grows down to
/// its limit from the name of the program, and the kernel lays nothing within 128 MB of it.
#[cfg(target_os = "linux")]
fn stack_of_the_first_thread() -> (usize, usize) {
    const SURE: usize = 8 << 20;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: looks an entry up, 0 for none, and writes to a place of the right type, which stays 0 if there is no answer.
    let high = unsafe {
        libc::getrlimit(libc::RLIMIT_STACK, &mut limit);
        libc::getauxval(libc::AT_EXECFN) as usize
    };
    (high.saturating_sub(usize::try_from(limit.rlim_cur).map_or(SURE, |limit| limit.min(SURE))), high)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cache::file::Rights;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_first_threads_stack_is_where_the_kernel_says() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.ends_with("[stack]")).unwrap();
        let ends = line.split(' ').next().unwrap().split('-').map(|end| usize::from_str_radix(end, 16).unwrap());
        let (low, high) = stack_of_the_first_thread();
        let [begin, end] = ends.collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(low < begin && begin < high && high < end && end - high <= 8192, "{low:x} to {high:x} is not {line}");
    }

    #[test]
    fn metadata_is_kept_for_so_many_issuers_and_for_those_that_are_asked_about() {
        let options =
            json!({"token_endpoint": "https://a.example/token", "client_id": "id", "client_secret": "secret"});
        let route = Route::new(&Config::from_value(options).unwrap(), None, None);
        let engine = Engine::new(Registry::new());
        let shelf = |number: usize| engine.metadata(&(route.clone(), format!("https://{number}.example/")));
        let busy = shelf(0);
        for number in 1..2 * MOST_ISSUERS.get() {
            drop((shelf(number), shelf(0)));
        }
        assert!(Arc::ptr_eq(&busy, &shelf(0)));
        assert_eq!(engine.metadata.lock().unwrap().len(), MOST_ISSUERS.get());
    }

    #[test]
    fn a_renewed_ca_file_is_seen_a_second_later() {
        let engine = Engine::new(Registry::new());
        let file = std::env::temp_dir().join(format!("tokenwell-ca-{}", std::process::id()));
        std::fs::write(&file, "old").unwrap();
        let old = engine.ca_version(&file);
        std::fs::write(&file, "renewed").unwrap();
        assert_eq!(engine.ca_version(&file), old);
        lock(&engine.ca_files)[0].1 = Moment::now().before(CA_LOOK);
        assert_ne!(engine.ca_version(&file), old);
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn so_many_stores_are_kept_and_those_that_are_asked() {
        let engine = Engine::new(Registry::new());
        let store = |number: usize| engine.store(&Cache::File(format!("/{number}").into(), Rights::Owner)).unwrap();
        let busy = store(0);
        for number in 1..2 * MOST_STORES.get() {
            drop((store(number), store(0)));
        }
        assert!(Arc::ptr_eq(&busy, &store(0)));
        assert_eq!(engine.stores.lock().unwrap().len(), MOST_STORES.get());
        assert!(engine.store(&Cache::Memory).is_none());
    }
}
