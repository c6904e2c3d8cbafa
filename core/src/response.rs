//! The reading of the token endpoint's answer (RFC 6749 sections 5.1 and 5.2): tolerant where servers differ, strict
//! where a mistake would cost the caller, bounded everywhere.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::provider::Profile;
use crate::secret::{clean, hide_words, shows};
use crate::strict::{DUPLICATE, Strict};
use crate::token::{TokenText, TokenType};

/// A token answer that has been understood.
pub(crate) struct Answer {
    pub(crate) value: TokenText,
    /// `None`: the server named no lifetime.
    pub(crate) lifetime: Option<Duration>,
    pub(crate) scope: Option<String>,
    pub(crate) extra: Map<String, Value>,
}

/// Longer lifetimes than a hundred years are taken for a fault: adding them to a clock would overflow.
const LONGEST_LIFETIME: f64 = 3_155_760_000.0;

/// The texts that must not come back in an error; made for an error alone.
pub(crate) type Echoes<'a> = &'a dyn Fn() -> Vec<String>;

/// Real answers have some ten members.
const MOST_MEMBERS: usize = 256;
/// Room for so many at first.
const FEW_MEMBERS: usize = 10;

/// The members of an object, each once.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value).filter(|raw| raw.get() != "null")
    }

    /// These members as values.
    fn all(&self, wanted: impl Fn(&str) -> bool) -> Result<Map<String, Value>, Error> {
        // To collect them would sort them first, by a sort for long lists: 4 KB in the library.
        let mut all = Map::new();
        for (name, raw) in self.0.iter().filter(|(name, _)| wanted(name)) {
            let Strict(value) = serde_json::from_str(raw.get()).map_err(|error| broken(&error))?;
            all.insert(name.clone().into_owned(), value);
        }
        Ok(all)
    }

    fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).and_then(text)
    }
}

/// A text as it stands in the answer, wherever nothing in it is escaped.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str(raw.get()).ok().map(|Text(text)| text)
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(FEW_MEMBERS);
                while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    if members.len() >= MOST_MEMBERS {
                        return Err(serde::de::Error::custom("too many members"));
                    }
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err(serde::de::Error::custom(DUPLICATE));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Reads an answer to a request for a token of type `wanted`. `echoes` gives the texts that must not come back in an error.
pub(crate) fn read(
    status: u16,
    body: &[u8],
    wanted: TokenType,
    profile: &Profile,
    echoes: Echoes<'_>,
) -> Result<Answer, Error> {
    let members = members(status, body, echoes)?;
    token(&members, wanted, profile, echoes).map_err(|error| error.with_status(status).with_retryable(false))
}

/// Reads an answer about a token (RFC 7662 section 2.2): its members, `active` among them.
pub(crate) fn introspection(
    status: u16,
    body: &[u8],
    echoes: &dyn Fn() -> Vec<String>,
) -> Result<Map<String, Value>, Error> {
    let members = members(status, body, echoes)?;
    let whole = members.all(|_| true).map_err(|error| error.with_status(status).with_retryable(false))?;
    match whole.get("active") {
        Some(Value::Bool(_)) => Ok(whole),
        _ => {
            Err(fault("active_missing", "the answer does not say whether the token is `active` (RFC 7662 section 2.2)")
                .with_status(status))
        }
    }
}

/// Reads an answer whose success has no content that counts (RFC 7009 section 2.2).
pub(crate) fn acknowledgement(status: u16, body: &[u8], echoes: &dyn Fn() -> Vec<String>) -> Result<(), Error> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    members(status, body, echoes).map(|_| ())
}

/// The members of a good answer; an error is one.
fn members<'a>(status: u16, body: &'a [u8], echoes: &dyn Fn() -> Vec<String>) -> Result<Members<'a>, Error> {
    // RFC 8259 section 8.1 lets a reader ignore a byte order mark.
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    // As text from here on, so that not each value in it is looked at again.
    let members: Result<Members<'a>, Option<serde_json::Error>> = match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text).map_err(Some),
        Err(_) => Err(None),
    };
    let members = members.map_err(|error| unreadable(status, body, error.as_ref(), echoes))?;
    if let Some(code) = members.get("error") {
        return Err(server_error(status, code, &members, echoes));
    }
    if !(200..300).contains(&status) {
        let message = format!("the server answered with status {status} and JSON that names no error");
        return Err(Error::new(ErrorKind::Response, "unexpected_status", message).with_status(status));
    }
    Ok(members)
}

/// The answer is good, and grants less than the client must have.
pub(crate) fn narrowed(without: &str) -> Error {
    fault("scope_narrowed", format!("the server granted less than the scope that was asked for: without {without}"))
        .with_status(200)
        .with_hint("allow this scope to the client at the provider, or leave `require_scope` out")
}

fn fault(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Response, code, message)
}

fn duplicate(error: &serde_json::Error) -> Option<Error> {
    let message = "the answer names a member twice, so that its meaning depends on the reader (RFC 8259 section 4)";
    error.to_string().starts_with(DUPLICATE).then(|| fault("duplicate_member", message))
}

/// A member whose value cannot be used.
fn broken(error: &serde_json::Error) -> Error {
    let message = "the answer nests too deeply or holds a number that cannot be represented";
    duplicate(error).unwrap_or_else(|| fault("not_json", message))
}

/// `error`: what the reader of JSON says; `None`: it is no text.
fn unreadable(status: u16, body: &[u8], error: Option<&serde_json::Error>, echoes: Echoes<'_>) -> Error {
    if let Some(error) = error.and_then(duplicate) {
        return error.with_status(status);
    }
    let preview = preview(body, echoes);
    // A fault inside a JSON object can come after the token, which must not be shown.
    let message = match (preview.is_empty(), preview.starts_with('{')) {
        (true, _) => format!("the answer (status {status}) is empty, not a JSON object"),
        (_, true) => format!("the answer (status {status}) is broken JSON"),
        _ => format!("the answer (status {status}) is not a JSON object; it begins: {preview}"),
    };
    fault("not_json", message)
        .with_hint(
            "check that `token_endpoint` is the token endpoint, and that no proxy or login page answers in its place",
        )
        .with_status(status)
}

/// The beginning of a body that is not JSON. It could be a token in another form (a query string, a bare string), so
/// nothing that could be one is shown.
fn preview(body: &[u8], echoes: Echoes<'_>) -> String {
    let text = String::from_utf8_lossy(body);
    if text.contains("access_token") {
        return "[redacted]".to_owned();
    }
    // First, while an echoed secret is in one piece.
    let echoes = echoes();
    let text = clean(&text, 1024, &echoes);
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let shown = hide_words(&text, is_token, |word| {
        let could_be = word.len() >= 20 || word.len() >= 8 && word.contains(|c: char| c.is_ascii_digit());
        could_be.then_some("[...]")
    });
    clean(&shown, 200, &echoes)
}

fn server_error(status: u16, code: &RawValue, members: &Members<'_>, echoes: Echoes<'_>) -> Error {
    let echoes = &echoes();
    let code = text(code).map(Cow::into_owned);
    let plain = |code: &String| !code.is_empty() && code.len() <= 64 && code.bytes().all(|b| b.is_ascii_graphic());
    let code = code.filter(plain).filter(|code| !shows(code, echoes)).unwrap_or_else(|| "unknown_error".to_owned());
    let description = members.text("error_description").map(|text| clean(&text, 200, echoes));
    let message = match description.as_deref() {
        Some(text) if !text.is_empty() => format!("the server refused: {code}: {text}"),
        _ => format!("the server refused: {code}"),
    };
    Error::new(ErrorKind::Server, code, message).with_status(status).with_description(description)
}

fn token(members: &Members<'_>, wanted: TokenType, profile: &Profile, echoes: Echoes<'_>) -> Result<Answer, Error> {
    const KNOWN: [&str; 5] = ["access_token", "token_type", "expires_in", "scope", "refresh_token"];
    let value = value(members, wanted)?;
    token_type(members, wanted, profile, echoes)?;
    let extra = members.all(|name| !KNOWN.contains(&name))?;
    Ok(Answer { value, lifetime: lifetime(members)?, scope: scope(members)?, extra })
}

fn value(members: &Members<'_>, wanted: TokenType) -> Result<TokenText, Error> {
    let unescaped;
    let value = match members.text("access_token").unwrap_or_default() {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => {
            unescaped = Zeroizing::new(text);
            unescaped.as_str()
        }
    };
    if value.is_empty() {
        let message = "the answer has no `access_token`, or one that is not a non-empty string";
        return Err(fault("access_token_missing", message));
    }
    // RFC 6750 section 2.1 allows less, but real servers send all of visible ASCII; more would inject into a header.
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fault(
            "access_token_invalid",
            "`access_token` has characters that cannot stand in a header: only visible ASCII can",
        ));
    }
    Ok(TokenText::new(wanted, value))
}

/// The type that was asked for, or what the provider's profile says it means by Bearer. A token that is bound to a key is of
/// no use without proofs, and one that is not is less than was asked for: neither is taken for the other.
fn token_type(members: &Members<'_>, wanted: TokenType, profile: &Profile, echoes: Echoes<'_>) -> Result<(), Error> {
    let others: &[&str] = if wanted == TokenType::Bearer { profile.token_types } else { &[] };
    let kind = match members.get("token_type") {
        Some(_) => members.text("token_type").unwrap_or_default(),
        None if others.contains(&"") => return Ok(()),
        None => {
            return Err(fault(
                "token_type_missing",
                "the answer has no `token_type` (RFC 6749 section 5.1 requires it)",
            ));
        }
    };
    if kind.eq_ignore_ascii_case(wanted.as_str()) {
        return Ok(());
    }
    let lower = kind.to_ascii_lowercase();
    if !kind.is_empty() && others.contains(&lower.as_str()) {
        return Ok(());
    }
    let shown = clean(&kind, 40, &echoes());
    let message = format!("the answer's `token_type` \"{shown}\" is not {} (RFC 6749 section 7.1)", wanted.as_str());
    let error = fault("token_type_unsupported", message);
    Err(match (wanted, lower.as_str()) {
        (TokenType::Bearer, "dpop") => error.with_hint("the server binds its tokens to a key (RFC 9449): set `dpop` to true"),
        (TokenType::Dpop, "bearer") => error.with_hint(
            "the server has not bound the token to the key: turn on DPoP for this client at the provider, or remove `dpop`",
        ),
        _ => error,
    })
}

/// `expires_in` as an integer, a decimal string or a float. Whole seconds, rounded down.
fn lifetime(members: &Members<'_>) -> Result<Option<Duration>, Error> {
    let Some(raw) = members.get("expires_in") else { return Ok(None) };
    let quoted = raw.get().starts_with('"').then(|| text(raw)).flatten();
    let text = quoted.as_deref().unwrap_or(raw.get()).trim();
    let plain = text.starts_with(|c: char| c.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(seconds) if plain && seconds <= LONGEST_LIFETIME => Ok(Some(Duration::from_secs(seconds as u64))),
        _ => Err(fault(
            "expires_in_invalid",
            "the answer's `expires_in` is not a number of seconds from 0 to a hundred years",
        )),
    }
}

/// `scope` as a string, or as the array that some servers send.
fn scope(members: &Members<'_>) -> Result<Option<String>, Error> {
    let Some(raw) = members.get("scope") else { return Ok(None) };
    if let Some(text) = text(raw) {
        return Ok(Some(text.into_owned()));
    }
    match serde_json::from_str::<Vec<String>>(raw.get()) {
        Ok(list) => Ok(Some(list.join(" "))),
        Err(_) => Err(fault("scope_invalid", "the answer's `scope` is neither a string nor a list of strings")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::STANDARD;

    fn lifetime_of(text: &str) -> Result<Option<Duration>, Error> {
        let body = format!(r#"{{"access_token":"a","token_type":"bearer","expires_in":{text}}}"#);
        read(200, body.as_bytes(), TokenType::Bearer, &STANDARD, &Vec::new).map(|answer| answer.lifetime)
    }

    #[test]
    fn f12_lifetimes() {
        for (text, seconds) in [("3600", 3600), ("\"3600\"", 3600), ("3599.5", 3599), ("0", 0)] {
            assert_eq!(lifetime_of(text).unwrap(), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(lifetime_of("null").unwrap(), None);
        for text in ["-1", "1e400", "true", "\"soon\"", "\"NaN\"", "\"inf\"", "[]", "-0.5"] {
            assert_eq!(
                lifetime_of(text).err().map(|e| e.code().to_owned()).as_deref(),
                Some("expires_in_invalid"),
                "{text}"
            );
        }
    }

    #[test]
    fn f15_broken_json_after_a_token_does_not_show_it() {
        let error = read(
            200,
            br#"{"access_token":"hush-hush","token_type":"bearer"} x"#,
            TokenType::Bearer,
            &STANDARD,
            &Vec::new,
        )
        .err()
        .unwrap();
        assert_eq!(error.code(), "not_json");
        assert!(!format!("{error:?}").contains("hush"));
    }

    #[test]
    fn f06_a_preview_shows_no_token() {
        for body in
            ["access_token=hush&token_type=bearer", "\"hush5hush5hush5hush5hush5\"", "hush5hush5hush5hush5hush5"]
        {
            let error = read(200, body.as_bytes(), TokenType::Bearer, &STANDARD, &Vec::new).err().unwrap();
            assert!(!error.message().contains("hush"), "{error}");
        }
        assert!(
            read(502, b"<html>Bad Gateway</html>", TokenType::Bearer, &STANDARD, &Vec::new)
                .err()
                .unwrap()
                .message()
                .contains("Bad Gateway")
        );
    }

    #[test]
    fn s31_a_preview_shows_no_part_of_a_secret() {
        let secret = "horse battery:[staple]pwKgPnXrNewBOhdFpwKg".to_owned();
        let body = format!("<html>{secret}</html>");
        let error = read(400, body.as_bytes(), TokenType::Bearer, &STANDARD, &|| vec![secret.clone()]).err().unwrap();
        assert!(error.message().contains("<html>[redacted]</html>"), "{error}");
    }

    #[test]
    fn f15_nesting_is_bounded() {
        let body =
            format!(r#"{{"access_token":"a","token_type":"bearer","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(
            read(200, body.as_bytes(), TokenType::Bearer, &STANDARD, &Vec::new).err().unwrap().code(),
            "not_json"
        );
    }
}
