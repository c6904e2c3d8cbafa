//! Entries of the system's key ring. Windows and macOS have one each, with a function to read it. On Linux it is a service on D-Bus, read
//! by the system's own program: a crate that speaks to it brings a whole D-Bus library with it, which is larger than all of this one.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
#[cfg(any(windows, target_os = "macos"))]
use zeroize::Zeroizing;

use crate::secret::clean;

/// What to do when an entry cannot be read.
#[cfg(windows)]
pub(super) const HINT: &str =
    "`cmdkey /generic:ACCOUNT.SERVICE /user:ACCOUNT /pass` makes an entry of the user who runs it";
#[cfg(target_os = "macos")]
pub(super) const HINT: &str = "`security add-generic-password -s SERVICE -a ACCOUNT -T PROGRAM -w` makes an entry that PROGRAM may read; the key ring must be \
     unlocked";
#[cfg(not(any(windows, target_os = "macos")))]
pub(super) const HINT: &str = "`secret-tool store --label NAME service SERVICE username ACCOUNT` makes an entry; the program is in libsecret-tools, and \
     needs a key ring that is unlocked";

/// An entry, by the two names that key rings know it by.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KeyringEntry")]
pub(super) struct Entry {
    /// The service that the secret is for.
    service: String,
    /// The account at that service: the user name.
    account: String,
}

impl Entry {
    /// The secret, or why there is none. Windows knows an entry by one name, which is made of the two as other key ring libraries make it.
    #[cfg(windows)]
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        use keyring_core::Error;
        use keyring_core::api::CredentialStoreApi;
        let entry = windows_native_keyring_store::Store::new()
            .and_then(|store| store.build(&self.service, &self.account, None));
        match entry.and_then(|entry| entry.get_password()) {
            Ok(secret) => Ok(Zeroizing::new(secret.into_bytes())),
            Err(Error::NoEntry) => Err("is not there".to_owned()),
            // These have the secret in them.
            Err(Error::BadEncoding(bytes) | Error::BadDataFormat(bytes, _)) => {
                drop(Zeroizing::new(bytes));
                Err("is not text".to_owned())
            }
            Err(error) => Err(format!("cannot be read: {error}")),
        }
    }

    /// The secret, or why there is none.
    #[cfg(target_os = "macos")]
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        use security_framework::passwords::{PasswordOptions, generic_password};
        let entry = PasswordOptions::new_generic_password(&self.service, &self.account);
        generic_password(entry).map(Zeroizing::new).map_err(|error| format!("cannot be read: {error}"))
    }

    /// The program that prints the secret. The attributes are those under which other key ring libraries keep their entries.
    #[cfg(not(any(windows, target_os = "macos")))]
    pub(super) fn command(&self) -> Vec<String> {
        let command = ["secret-tool", "lookup", "service", &self.service, "username", &self.account];
        command.map(str::to_owned).to_vec()
    }

    /// What tells it from another.
    pub(super) fn identity(&self) -> Vec<String> {
        vec![self.service.clone(), self.account.clone()]
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", clean(&self.account, 60, &[]), clean(&self.service, 60, &[]))
    }
}
