//! Whether a shared store serves, for `tokenwell doctor`: its lock, and an entry that is sealed, written, read and opened.

use std::time::Duration;

use super::{Found, shared, stored};
use crate::clock;
use crate::config::Config;
use crate::credential;
use crate::error::{Error, ErrorKind};

/// The entry and the lock of the examination end by themselves after this.
const LIFE: Duration = Duration::from_secs(10);
const CONTENT: &[u8] = b"examined";

/// `None`: nothing is shared. Errors are those of the store, or of what seals its entries.
pub(crate) async fn examine(config: &Config) -> Option<Result<(), Error>> {
    // Opened for this: the store of the engine may be in the pause after a failure.
    let store = super::open(&config.cache)?;
    let round_trip = async {
        let credential = credential::read(config).await?;
        let keys = shared::secret(config, &credential).await.ok_or_else(|| fault("its entries cannot be sealed"))?;
        let (name, until) = (keys.examined(), stored::unix_millis(clock::wall() + LIFE));
        let entry = keys.seal(&name, until, CONTENT).ok_or_else(|| fault("its entries cannot be sealed"))?;
        let lock = store.try_lock(&name, LIFE).await?;
        store.save(&name, entry, LIFE).await?;
        let found = store.load(&name).await?;
        if let Some(lock) = lock {
            lock.release().await?;
        }
        let opened = match found {
            Found::Entry(entry) => keys.open(&name, entry, stored::unix_millis(clock::wall())),
            _ => None,
        };
        let is_whole = opened.is_some_and(|content| *content == CONTENT);
        is_whole.then_some(()).ok_or_else(|| fault("it does not give back what was written to it"))
    };
    Some(round_trip.await)
}

fn fault(what: &str) -> Error {
    Error::new(ErrorKind::Cache, "cache_failed", format!("the store of `cache` does not serve: {what}"))
        .with_hint("give a `cache_key` (`openssl rand -base64 32`), and see whether something else changes the store")
}
