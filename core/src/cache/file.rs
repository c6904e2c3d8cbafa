//! The file store: sealed entries in a folder, one file each, for all processes of this user on this machine, or of its group's.
//!
//! An entry `NAME` is replaced by a rename, so that a reader sees all of the old one or all of the new one. Its time of change
//! is its expiry. `NAME.lock` holds nothing: the kernel's lock on it is the lock, and ends with the process. Nothing is forced to
//! the disk: what a crash of the machine tears is found out by the seal.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Answer, Found, LONGEST_ENTRY, Lock, Name, Store};
use crate::aside;
use crate::clock::{self, Moment};
#[cfg(unix)]
use crate::engine::ClosedInChild;
use crate::error::{self, Error};
use crate::random;
use crate::token::Source;

mod rights;

pub(crate) use rights::Rights;

/// An entry ends so long before its seal, or one that is read in that moment would count as a replayed one.
const EARLY: Duration = Duration::from_millis(100);
/// Files that have been of no use for so long are removed.
const RUBBISH: Duration = Duration::from_secs(3600);

pub(super) struct FileStore {
    folder: Arc<Path>,
    rights: Rights,
    /// When this process last looked for rubbish, milliseconds of [`Moment`].
    swept: AtomicU64,
}

impl FileStore {
    pub(super) fn new(folder: PathBuf, rights: Rights) -> FileStore {
        FileStore { folder: folder.into(), rights, swept: AtomicU64::new(0) }
    }

    /// Off the engine's thread, since a disk or a file server can take its time.
    fn run<T: Send + 'static>(&self, work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static) -> Answer<'static, T> {
        let folder = self.folder.clone();
        Box::pin(async move {
            let done = aside::block(move || work(&folder)).await;
            done.unwrap_or_else(|_| Err(io::Error::other("a fault inside the library"))).map_err(|error| failed(&error))
        })
    }
}

fn failed(error: &io::Error) -> Error {
    Error::new(error::ErrorKind::Cache, "cache_file_failed", format!("the folder of `cache` cannot be used: {error}"))
        .with_hint(
            "see that this user may write to the folder, that its disk has room, and that nobody else can write to it",
        )
}

impl Store for FileStore {
    fn source(&self) -> Source {
        Source::File
    }

    fn load<'a>(&'a self, name: &'a Name) -> Answer<'a, Found> {
        let (name, rights) = (name.clone(), self.rights);
        self.run(move |folder| load(folder, &name, rights))
    }

    fn save<'a>(&'a self, name: &'a Name, entry: Vec<u8>, life: Duration) -> Answer<'a, ()> {
        let now = Moment::now().millis();
        let last = self.swept.swap(now, Ordering::Relaxed);
        let is_time = now.saturating_sub(last) > RUBBISH.as_millis() as u64;
        if !is_time {
            self.swept.store(last, Ordering::Relaxed);
        }
        let (name, folder, rights) = (name.clone(), self.folder.clone(), self.rights);
        Box::pin(async move {
            let saved = self.run(move |folder| save(folder, &name, &entry, life, rights)).await;
            if is_time {
                drop(aside::block(move || sweep(&folder, rights)));
            }
            saved
        })
    }

    fn try_lock<'a>(&'a self, name: &'a Name, _hold: Duration) -> Answer<'a, Option<Box<dyn Lock>>> {
        let (path, rights) = (lock_path(name), self.rights);
        self.run(move |folder| {
            rights.folder(folder)?;
            let lock = try_lock(&folder.join(path), rights)?;
            Ok(lock.map(|lock| Box::new(lock) as Box<dyn Lock>))
        })
    }
}

fn lock_path(name: &Name) -> String {
    format!("{}.lock", name.as_str())
}

fn load(folder: &Path, name: &Name, rights: Rights) -> io::Result<Found> {
    let path = folder.join(name.as_str());
    let file = match Rights::open(&path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if error.kind() == ErrorKind::PermissionDenied || is_no_file(&path) => return Ok(Found::Unusable),
        Err(error) => return Err(error),
    };
    let about = file.metadata()?;
    if !about.is_file() || about.len() > LONGEST_ENTRY as u64 || !rights.trusts(&about, folder)? {
        return Ok(Found::Unusable);
    }
    if about.modified()? <= clock::wall() {
        return Ok(Found::Nothing);
    }
    let mut entry = Zeroizing::new(Vec::with_capacity(about.len() as usize + 1));
    file.take(LONGEST_ENTRY as u64).read_to_end(&mut entry)?;
    Ok(Found::Entry(entry))
}

/// A symbolic link, for one, which is not followed.
fn is_no_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| !about.is_file())
}

fn save(folder: &Path, name: &Name, entry: &[u8], life: Duration, rights: Rights) -> io::Result<()> {
    rights.folder(folder)?;
    // A name of its own, so that two who write at once do not write into one file.
    let draft = folder.join(format!("{}.{:016x}", name.as_str(), random::number()));
    let written =
        write(rights.create(&draft), entry, life).and_then(|()| fs::rename(&draft, folder.join(name.as_str())));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

fn write(draft: io::Result<File>, entry: &[u8], life: Duration) -> io::Result<()> {
    let mut file = draft?;
    file.write_all(entry)?;
    file.set_modified(clock::wall() + life.saturating_sub(EARLY))
}

fn try_lock(path: &Path, rights: Rights) -> io::Result<Option<FileLock>> {
    let lock = FileLock::on(rights.lock_file(path)?);
    match lock.file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // The sweep may have removed the file between the opening and the locking: then others lock another one.
    if !is_the_same(&lock.file, path) {
        return Ok(None);
    }
    // So that it is not taken for rubbish. Where it is another user's file it is, once in a while, and made anew.
    let _ = lock.file.set_modified(clock::wall());
    Ok(Some(lock))
}

/// The kernel's lock belongs to the open file, which a forked child shares: it is given back, not only closed.
struct FileLock {
    /// Dropped first: from then on the descriptor may be another file's.
    #[cfg(unix)]
    _closed_in_child: ClosedInChild,
    file: File,
}

impl FileLock {
    fn on(file: File) -> FileLock {
        FileLock {
            #[cfg(unix)]
            _closed_in_child: ClosedInChild::new(std::os::fd::AsRawFd::as_raw_fd(&file)),
            file,
        }
    }
}

impl Lock for FileLock {
    fn release(self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(async move {
            let _ = aside::block(move || drop(self)).await;
            Ok(())
        })
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Should this fail, the file's closing gives it back.
        let _ = self.file.unlock();
    }
}

/// Removes what no process needs any more: entries long expired, drafts of processes that were killed, locks long not used.
fn sweep(folder: &Path, rights: Rights) {
    let Ok(files) = fs::read_dir(folder) else { return };
    for file in files.flatten() {
        let (name, path) = (file.file_name(), file.path());
        let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
        let is_old =
            file.metadata().and_then(|about| about.modified()).is_ok_and(|time| time + RUBBISH < clock::wall());
        // A lock file is removed by who has the lock; on Windows by whom it was that had it, unless it is open again.
        let lock = if is_old && name.ends_with(".lock") { try_lock(&path, rights).ok().flatten() } else { None };
        if is_old && (lock.is_some() || !name.ends_with(".lock")) {
            #[cfg(windows)]
            drop(lock);
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether this is a name that this store gives.
fn is_ours(name: &str) -> bool {
    let (hash, rest) = name.split_at_checked(64).unwrap_or_default();
    !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) && (rest.is_empty() || rest.starts_with('.'))
}

#[cfg(unix)]
fn is_the_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |about: io::Result<fs::Metadata>| about.map(|about| (about.dev(), about.ino()));
    matches!((identity(file.metadata()), identity(fs::symlink_metadata(path))), (Ok(a), Ok(b)) if a == b)
}

/// There nobody removes a lock's file that is open.
#[cfg(not(unix))]
fn is_the_same(_file: &File, _path: &Path) -> bool {
    true
}
