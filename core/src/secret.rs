//! Values that must not be seen: wiped from memory when dropped, redacted wherever they could be printed.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A secret string. `Debug` shows `[redacted]`; there is no `Display` and no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

/// Bytes of the stack that one token request reaches into, and more; without optimisation it is several times as much.
pub(crate) const DEEPEST: usize = if cfg!(debug_assertions) { 256 * 1024 } else { 64 * 1024 };

/// Overwrites what calls that have returned left on this thread's stack: a secret's bytes on their way through a parser or a
/// cipher, which no type wipes.
#[inline(never)]
pub(crate) fn wipe_stack() {
    std::hint::black_box(&mut [0_u8; DEEPEST]);
}

/// Characters of an outside text that are looked at.
const LONGEST_CLEANED: usize = 4096;

/// Text from outside that goes into an error: control characters become spaces, every occurrence of a secret is replaced,
/// and at most `limit` characters are kept. `secrets` are the forms in which one can come back.
pub(crate) fn clean(text: &str, limit: usize, secrets: &[String]) -> String {
    // Cut first: what comes after is not shown, and replacing in a long text takes long. A secret that is cut in two would
    // not be known any more, so its first part goes too.
    let text = match cut(text, LONGEST_CLEANED) {
        whole if whole.len() == text.len() => whole,
        begin => cut(begin, LONGEST_CLEANED.saturating_sub(secrets.iter().map(String::len).max().unwrap_or(0))),
    };
    let text = flatten(&redact(text, secrets));
    // Once more: what was cut by control characters or spaces is in one piece now.
    let flat: Vec<String> = secrets.iter().map(|secret| flatten(secret)).collect();
    let text = hide_jwts(&redact(&redact(&text, secrets), &flat));
    cut(&text, limit).to_owned()
}

/// A name from outside, as an error shows it: what is too long for one can be a secret in the wrong place.
pub(crate) fn clean_name(name: &str) -> String {
    if name.len() > 40 { "[redacted]".to_owned() } else { clean(name, 40, &[]) }
}

/// Assertions, proofs and tokens come back too, of whomever: a JWT begins with `eyJ`, the base64 of `{"` (RFC 7515 section 3.1).
fn hide_jwts(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    hide_words(text, is_part, |word| (word.len() > 40 && word.contains("eyJ")).then_some("[redacted]"))
}

/// The text with another in the place of each word that `hides` has one for.
pub(crate) fn hide_words(text: &str, is_part: fn(char) -> bool, hides: fn(&str) -> Option<&'static str>) -> String {
    let mut shown = String::new();
    for run in text.split_inclusive(|c| !is_part(c)) {
        let word = run.trim_end_matches(|c| !is_part(c));
        shown.push_str(hides(word).unwrap_or(word));
        shown.push_str(&run[word.len()..]);
    }
    shown
}

/// The first `limit` characters.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
}

/// Whether one of the secrets stands in this text.
pub(crate) fn shows(text: &str, secrets: &[String]) -> bool {
    secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret.as_str()))
}

fn redact(text: &str, secrets: &[String]) -> String {
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[redacted]"))
}

/// Each run of unprintable characters becomes one space.
fn flatten(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| if is_unprintable(c) { ' ' } else { c }) {
        if !(c == ' ' && out.ends_with(' ')) {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// Control characters, and the marks that turn or hide text in a terminal (Unicode Bidi_Control, zero width, line separators).
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{FFFD}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_seen_in_debug() {
        assert_eq!(format!("{:?}", Secret::new("hush")), "[redacted]");
    }

    #[test]
    fn s31_outside_text_is_cleaned_and_cut() {
        let dirty = "bad\r\n\u{1b}[31m  id \u{202e}hush!";
        assert_eq!(clean(dirty, 100, &["hush".into()]), "bad [31m id [redacted]!");
        assert_eq!(clean(&"x".repeat(300), 200, &[]).len(), 200);
        let cut = " ".repeat(LONGEST_CLEANED - 5) + "horse battery";
        assert_eq!(clean(&cut, 200, &["horse battery".into()]), "");
    }
}
