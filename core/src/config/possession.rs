//! Whether tokens are bound to a key (RFC 9449), and to which.

use super::read::wrong;
use super::{Dpop, Options};
use crate::dpop::Prover;
use crate::engine::has_room;
use crate::error::Error;
use crate::key::{PROOF, PrivateKey, algorithm, algorithm_names};
use crate::secret::wipe_stack;
use crate::source::{COMMAND_TIMEOUT, Source};

/// Makes the key, or reads it: once, since a token is good with the key alone that it was asked for with.
pub(super) fn prover(options: &Options) -> Result<Option<Prover>, Error> {
    let wanted = match (&options.dpop, &options.dpop_key) {
        (None | Some(Dpop::Switch(false)), Some(_)) => {
            let message = "`dpop_key` is given, but `dpop` is not: set `dpop` to true, or remove `dpop_key`";
            return Err(Error::config("option_conflict", message));
        }
        (None | Some(Dpop::Switch(false)), None) => return Ok(None),
        (Some(Dpop::Switch(true)), _) => None,
        (Some(Dpop::Algorithm(name)), _) => Some(name.as_str()),
    };
    if wanted.is_some_and(|name| !algorithm_names().contains(&name)) {
        return Err(wrong("dpop"));
    }
    let key = match &options.dpop_key {
        Some(source) => read(source),
        None => generate(wanted.unwrap_or("ES256")),
    };
    // The caller's stack, which may be a small one.
    if has_room() {
        wipe_stack();
    }
    let key = key?;
    let algorithm = key.algorithm(wanted)?;
    Prover::new(key, algorithm).map(Some)
}

fn read(source: &Source) -> Result<PrivateKey, Error> {
    let text = source
        .read_now(COMMAND_TIMEOUT)
        .map_err(|error| error.with_hint("it is read once, when the client is made"))?;
    PrivateKey::read(PROOF, text.expose())
}

fn generate(name: &str) -> Result<PrivateKey, Error> {
    let algorithm = algorithm(name).ok_or_else(|| wrong("dpop"))?;
    PrivateKey::generate(PROOF, algorithm)?.ok_or_else(|| {
        let message = format!(
            "`dpop_key` is missing: give an RSA key for `dpop` \"{name}\", or choose ES256, ES384 or EdDSA, whose keys are made here"
        );
        Error::config("option_missing", message)
    })
}
