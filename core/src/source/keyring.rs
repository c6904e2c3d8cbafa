//! Entries of the system's key ring, read by the system's own program. A client of the Secret Service as a crate brings a whole D-Bus
//! library with it, which is larger than all of this one.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::secret::clean;

/// What to do when an entry cannot be read.
#[cfg(target_os = "macos")]
pub(super) const HINT: &str =
    "`security add-generic-password -s SERVICE -a ACCOUNT -w` makes an entry; the key ring must be unlocked";
#[cfg(not(target_os = "macos"))]
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
    /// The program that prints the secret. The attributes are those under which other key ring libraries keep their entries.
    pub(super) fn command(&self) -> Vec<String> {
        let command: &[&str] = if cfg!(target_os = "macos") {
            &["/usr/bin/security", "find-generic-password", "-w", "-s", &self.service, "-a", &self.account]
        } else {
            &["secret-tool", "lookup", "service", &self.service, "username", &self.account]
        };
        command.iter().map(|&part| part.to_owned()).collect()
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
