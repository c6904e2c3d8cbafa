//! The file store (F30, F31, F33), with clients that share nothing but the folder: each has its secret from another source, so
//! that each has a memory of its own.

#![allow(clippy::unwrap_used)] // in helpers of tests

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tokenwell::{AccessToken, Client, Config};
use tokenwell_dev_server::{DevServer, Options};

/// An authorization server, and a folder for everything.
struct Place {
    server: DevServer,
    folder: PathBuf,
    clients: AtomicU64,
}

impl Place {
    fn new() -> Place {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tokenwell-store-{}-{number}", std::process::id()));
        make_private(&folder);
        Place { server: DevServer::start(Options::default()).unwrap(), folder, clients: AtomicU64::new(0) }
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// A client as another process would have it.
    fn client(&self, more: &Value) -> Client {
        let secret = self.folder.join(format!("secret-{}", self.clients.fetch_add(1, Ordering::Relaxed)));
        let info = self.server.info();
        fs::write(&secret, &info.client_secret).unwrap();
        let mut options = json!({
            "token_endpoint": info.token_endpoint, "client_id": info.client_id, "client_secret": {"file": secret},
            "cache": {"file": self.store()},
        });
        for (name, value) in more.as_object().unwrap() {
            options[name] = value.clone();
        }
        Client::new(Config::from_value(options).unwrap()).unwrap()
    }

    /// A token that another client has got from the server, in the store's one entry.
    fn filled(&self) -> (AccessToken, PathBuf) {
        let token = self.client(&json!({})).blocking().access_token().unwrap();
        assert_eq!(token.source().as_str(), "network");
        (token, self.entry())
    }

    fn entry(&self) -> PathBuf {
        let is_entry = |path: &PathBuf| path.file_name().is_some_and(|name| name.len() == 64);
        let mut entries: Vec<PathBuf> = files(&self.store()).into_iter().filter(is_entry).collect();
        assert_eq!(entries.len(), 1);
        entries.remove(0)
    }

    /// Asks as a newcomer: the token, and how often the store failed.
    fn newcomer(&self) -> (AccessToken, u64) {
        let client = self.client(&json!({}));
        let token = client.blocking().access_token().unwrap();
        (token, client.stats().store_errors)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder of this user alone.
fn make_private(folder: &Path) {
    let builder = &mut fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
    builder.create(folder).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
}

/// Windows asks for a file that is open for writing.
fn set_modified(path: &Path, time: SystemTime) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn f34_the_second_process_takes_the_token_from_the_store() {
    let place = Place::new();
    let (first, _) = place.filled();
    let client = place.client(&json!({}));
    let second = client.blocking().access_token().unwrap();
    assert_eq!((second.value(), second.source().as_str()), (first.value(), "file"));
    assert_eq!((second.scope(), second.extra()), (first.scope(), first.extra()));
    assert!(first.expires_in() - second.expires_in() <= 1);
    let third = client.blocking().access_token().unwrap();
    assert_eq!(third.source().as_str(), "memory");
    let stats = client.stats();
    assert_eq!((stats.store_hits, stats.store_misses, stats.store_errors, stats.token_requests), (1, 0, 0, 0));
}

#[cfg(unix)]
#[test]
fn s30_the_folder_is_its_owners_alone_and_shows_neither_token_nor_credential() {
    let place = Place::new();
    let (token, _) = place.filled();
    let info = place.server.info();
    assert_eq!(mode(&place.store()), 0o700);
    for file in files(&place.store()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let content = [file.to_string_lossy().into_owned().into_bytes(), fs::read(&file).unwrap()].concat();
        for secret in [token.value(), &info.client_secret, &info.client_id, &info.token_endpoint] {
            assert!(!content.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
}

#[test]
fn f30_an_entry_that_is_not_to_be_trusted_is_a_miss_and_a_counter_and_is_replaced() {
    type Spoil = fn(&Path);
    let faults: &[(&str, Spoil)] = &[
        ("corrupt", |path| fs::write(path, vec![1; 300]).unwrap()),
        ("truncated", |path| fs::write(path, &fs::read(path).unwrap()[..40]).unwrap()),
        ("empty", |path| fs::write(path, "").unwrap()),
        #[cfg(unix)]
        ("readable by others", |path| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap()),
        #[cfg(unix)]
        ("a link to itself", |path| {
            let there = path.with_extension("moved");
            fs::rename(path, &there).unwrap();
            std::os::unix::fs::symlink(there, path).unwrap();
        }),
        ("a folder", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("too long", |path| fs::write(path, vec![1; 3 << 20]).unwrap()),
    ];
    for &(name, spoil) in faults {
        let place = Place::new();
        let (first, entry) = place.filled();
        let expiry = fs::metadata(&entry).unwrap().modified().unwrap();
        spoil(&entry);
        if fs::symlink_metadata(&entry).unwrap().is_file() {
            set_modified(&entry, expiry);
        }
        let (second, errors) = place.newcomer();
        assert_eq!((second.value() == first.value(), second.source().as_str()), (false, "network"), "{name}");
        // Once before the lock, and once after it.
        assert!(errors >= 1, "{name}");
        let (third, errors) = place.newcomer();
        match name {
            "a folder" => assert!(errors >= 1, "a rename replaces no folder"),
            _ => assert_eq!((third.value(), third.source().as_str(), errors), (second.value(), "file", 0), "{name}"),
        }
    }
}

#[test]
fn f33_an_entry_of_another_key_and_one_past_its_expiry_are_refused() {
    let place = Place::new();
    let (first, entry) = place.filled();
    let old = fs::read(&entry).unwrap();
    // The same entry under a later time of change, with its own expiry set back: the seal covers it.
    let mut replayed = old.clone();
    replayed[8] = replayed[8].wrapping_add(1);
    let expiry = fs::metadata(&entry).unwrap().modified().unwrap();
    fs::write(&entry, replayed).unwrap();
    set_modified(&entry, expiry);
    let (second, errors) = place.newcomer();
    assert!(errors >= 1 && second.value() != first.value());
    let other = place.client(&json!({"cache_key": "0123456789abcdef"}));
    assert_eq!(other.blocking().access_token().unwrap().source().as_str(), "network");
    assert_eq!(other.stats().store_errors, 0, "another key has other names");
}

#[test]
fn l08_a_refused_token_is_taken_from_the_store_no_more_even_where_a_slow_writer_puts_it_back() {
    let place = Place::new();
    let (_, entry) = place.filled();
    let (old, expiry) = (fs::read(&entry).unwrap(), fs::metadata(&entry).unwrap().modified().unwrap());
    let client = place.client(&json!({}));
    let refused = client.blocking().access_token().unwrap();
    assert_eq!(refused.source().as_str(), "file");
    let before = files(&place.store()).len();
    // Nobody asks after it: that it was refused is known to the others all the same.
    client.invalidate(refused.value());
    let end = Instant::now() + Duration::from_secs(5);
    while files(&place.store()).len() == before {
        assert!(Instant::now() < end, "the store is told");
        std::thread::sleep(Duration::from_millis(1));
    }
    let (second, errors) = place.newcomer();
    assert_eq!((second.source().as_str(), errors), ("network", 0));
    fs::write(&entry, old).unwrap();
    set_modified(&entry, expiry);
    let (third, errors) = place.newcomer();
    assert_eq!((third.value() == refused.value(), third.source().as_str(), errors), (false, "network", 0));
}

#[cfg(unix)]
#[test]
fn f30_a_folder_that_others_can_write_to_is_not_used() {
    let place = Place::new();
    make_private(&place.store());
    fs::set_permissions(place.store(), fs::Permissions::from_mode(0o777)).unwrap();
    for _ in 0..2 {
        let (token, errors) = place.newcomer();
        assert_eq!((token.source().as_str(), errors), ("network", 1));
    }
    assert_eq!(files(&place.store()).len(), 0);
}
