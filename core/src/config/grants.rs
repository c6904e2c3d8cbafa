//! Which grant type the options ask for, and whether they give what it needs and no more.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Options;
use super::check::{missing, no_control_characters};
use super::credential::is_given;
use super::read::wrong;
use crate::error::Error;
use crate::grant::{self, Grant, OPTIONS};
use crate::provider::Profile;

/// The name of the grant type, and what it is.
pub(super) fn check(options: &Options, profile: &Profile) -> Result<(Cow<'static, str>, &'static dyn Grant), Error> {
    let name = options.grant_type.clone().map_or(Cow::Borrowed(profile.grant_type), Cow::Owned);
    no_control_characters("grant_type", &name)?;
    if name.is_empty() {
        return Err(wrong("grant_type"));
    }
    let grant = grant::find(&name);
    let given = [
        options.assertion_subject.is_some(),
        options.subject_token.is_some(),
        options.subject_token_type.is_some(),
        options.actor_token.is_some(),
        options.actor_token_type.is_some(),
    ];
    let given = || OPTIONS.into_iter().zip(given).filter(|(_, given)| *given).map(|(name, _)| name);
    if let Some(option) = given().find(|option| !grant.uses().contains(option)) {
        let message =
            format!("`{option}` is given, but `grant_type` \"{name}\" does not use it: remove one of the two");
        return Err(Error::config("option_conflict", message));
    }
    if options.actor_token_type.is_some() && !is_given(&options.actor_token) {
        return Err(missing("actor_token", "the token whose type is given (RFC 8693 section 2.1)"));
    }
    let has = |option| match option {
        "private_key" => is_given(&options.private_key),
        _ => is_given(&options.subject_token),
    };
    match grant.needs() {
        Some((option, what)) if !has(option) => Err(missing(option, what)),
        _ => Ok((name, grant)),
    }
}

/// RFC 9396 section 2: a list of objects, each with its type. As JSON.
pub(super) fn details(details: Option<Vec<Map<String, Value>>>) -> Result<Option<String>, Error> {
    let Some(details) = details else { return Ok(None) };
    let typed =
        |detail: &Map<String, Value>| detail.get("type").and_then(Value::as_str).is_some_and(|kind| !kind.is_empty());
    if details.is_empty() || !details.iter().all(typed) {
        return Err(wrong("authorization_details"));
    }
    serde_json::to_string(&details).map(Some).map_err(|_| wrong("authorization_details"))
}
