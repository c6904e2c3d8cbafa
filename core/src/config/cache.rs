//! Where tokens are kept, and what seals them where others could read them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Options;
use super::read::wrong;
use crate::cache::file::Rights;
use crate::cache::redis::Address;
use crate::error::Error;
use crate::secret::Secret;
use crate::source::Source;

/// Less than this can be guessed by whoever reads a shared store, bytes.
const SHORTEST_KEY: usize = 16;
/// Fewer different bytes than this are no random secret.
const FEWEST_BYTES: usize = 6;

/// Where tokens are kept.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Cache")]
pub(crate) enum CacheOption {
    Place(CachePlace),
    Store(CacheStore),
}

/// Where tokens are kept, in a word.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CachePlace {
    /// In this process; clients of equal options share one token.
    Memory,
    /// Nowhere: each call is a token request.
    None,
    /// In files of the user's cache folder, for all processes of this user on this machine.
    File,
}

/// A store that processes share, and its place.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum CacheStore {
    File(FileStore),
    Redis(RedisStore),
}

/// In files, for all processes of this user on this machine, or of a group's.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct FileStore {
    /// The folder.
    file: PathBuf,
    /// Whether it is for all users of the folder's group, too. The folder must be there then, with a mode such as 2770.
    #[serde(default)]
    group: bool,
}

/// In Redis or Valkey, for all machines that reach it.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct RedisStore {
    /// redis://user:password@host:6379/0, rediss:// with TLS (`tls_ca_file` holds for it too), several hosts with commas between
    /// them for a cluster, redis+sentinel://host,host/master, or unix:///run/redis/redis.sock.
    #[schemars(with = "String")]
    redis: Secret,
}

/// The checked option.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cache {
    /// In this process.
    Memory,
    /// Nowhere.
    None,
    /// In files of this folder.
    File(PathBuf, Rights),
    /// In this Redis.
    Redis(Box<Address>),
}

impl Cache {
    /// Whether other processes see it.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self, Cache::Memory | Cache::None)
    }

    /// What tells it from another.
    pub(crate) fn place(&self) -> String {
        match self {
            Cache::Memory => "memory".to_owned(),
            Cache::None => "none".to_owned(),
            Cache::File(folder, Rights::Owner) => format!("file {}", folder.display()),
            Cache::File(folder, Rights::Group) => format!("group file {}", folder.display()),
            Cache::Redis(address) => format!("redis {}", address.url()),
        }
    }
}

pub(super) fn check(options: &Options) -> Result<Cache, Error> {
    let cache = match options.cache.clone() {
        None | Some(CacheOption::Place(CachePlace::Memory)) => Cache::Memory,
        Some(CacheOption::Place(CachePlace::None)) => Cache::None,
        Some(CacheOption::Place(CachePlace::File)) => Cache::File(default_folder()?, Rights::Owner),
        Some(CacheOption::Store(CacheStore::File(store))) if store.file.as_os_str().is_empty() => {
            return Err(wrong("cache"));
        }
        // Absolute, so that a change of the working directory does not make it another folder.
        Some(CacheOption::Store(CacheStore::File(FileStore { file, group }))) => {
            let rights = if group { Rights::Group } else { Rights::Owner };
            Cache::File(std::path::absolute(file).map_err(|_| wrong("cache"))?, rights)
        }
        Some(CacheOption::Store(CacheStore::Redis(store))) => {
            Cache::Redis(Address::parse(&store.redis, options.tls_ca_file.as_deref())?.into())
        }
    };
    sealing(options, &cache)?;
    Ok(cache)
}

/// The user's cache folder; where there is none, as for a service without a home, the runtime folder.
fn default_folder() -> Result<PathBuf, Error> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || {
        let below = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        variable("HOME").map(|home| home.join(below))
    };
    let (place, unset) = if cfg!(windows) {
        (variable("LOCALAPPDATA"), "LOCALAPPDATA is not set")
    } else {
        let place = variable("XDG_CACHE_HOME").or_else(home).or_else(|| variable("XDG_RUNTIME_DIR"));
        (place, "neither XDG_CACHE_HOME, HOME nor XDG_RUNTIME_DIR is set")
    };
    place.map(|place| place.join("tokenwell")).ok_or_else(|| {
        Error::config(
            "option_invalid",
            format!("`cache` \"file\" found no folder, since {unset}: give {{\"file\": DIR}}"),
        )
    })
}

/// What others could read must be sealed with something that they cannot guess.
fn sealing(options: &Options, cache: &Cache) -> Result<(), Error> {
    match (&options.cache_key, cache.is_shared()) {
        (None, false) => Ok(()),
        (Some(_), false) => {
            let message = "`cache_key` is given, but `cache` is not shared: set `cache` to {\"file\": DIR} or {\"redis\": URL}, or remove `cache_key`";
            Err(Error::config("option_conflict", message))
        }
        (Some(Source::Value(key)), true) if is_weak(key.expose()) => {
            Err(Error::config("option_invalid", "`cache_key` is too easy to guess").with_hint(HINT))
        }
        (Some(_), true) => Ok(()),
        (None, true) => match (&options.client_secret, &options.private_key) {
            (Some(Source::Value(secret)), _) if is_weak(secret.expose()) => {
                let message = "`client_secret` is too easy to guess to seal a shared `cache` with it: give `cache_key`";
                Err(Error::config("option_missing", message).with_hint(HINT))
            }
            (None, None) => {
                let message = "`cache_key` is missing: a shared `cache` is sealed with it where there is neither `client_secret` nor `private_key`";
                Err(Error::config("option_missing", message).with_hint(HINT))
            }
            _ => Ok(()),
        },
    }
}

const HINT: &str = "make one with `openssl rand -base64 32` and give the same to every process that shares the cache";

/// Whether someone who has a sealed entry could find this secret by trying.
pub(crate) fn is_weak(secret: &str) -> bool {
    let mut seen = [false; 256];
    secret.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    secret.len() < SHORTEST_KEY || seen.iter().filter(|seen| **seen).count() < FEWEST_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_or_monotonous_secret_is_weak() {
        assert!(is_weak("hunter2"));
        assert!(is_weak("abababababababababab"));
        assert!(!is_weak("8f14e45fceea167a"));
    }
}
