//! `application/x-www-form-urlencoded`, read strictly: nothing is replaced or guessed.

use serde_json::{Map, Value};

pub(crate) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// The parameters of a form, in order.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// `None` when a percent sign is not followed by two hexadecimal digits, or the result is not UTF-8.
    pub(crate) fn parse(body: &[u8]) -> Option<Form> {
        body.split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let mut halves = pair.splitn(2, |byte| *byte == b'=');
                let name = decode(halves.next().unwrap_or_default())?;
                let value = decode(halves.next().unwrap_or_default())?;
                Some((name, value))
            })
            .collect::<Option<_>>()
            .map(Form)
    }

    /// A parameter without a value counts as omitted (RFC 6749, 3.2).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    pub(crate) fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first parameter that is there more than once and is not one of `allowed`.
    pub(crate) fn repeated(&self, allowed: &[&str]) -> Option<&str> {
        self.0
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (index, name.as_str()))
            .filter(|(_, name)| !allowed.contains(name))
            .find(|(index, name)| self.0[..*index].iter().any(|(earlier, _)| earlier == name))
            .map(|(_, name)| name)
    }

    /// Each parameter as a string, or as a list of strings where it is repeated.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let mut json = Map::new();
        for (name, value) in &self.0 {
            let value = Value::from(value.as_str());
            match json.get_mut(name) {
                None => {
                    json.insert(name.clone(), value);
                }
                Some(Value::Array(list)) => list.push(value),
                Some(single) => *single = Value::Array(vec![single.take(), value]),
            }
        }
        json
    }
}

/// Decodes `%XX` and `+`; `None` where that is impossible.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => digit(*rest.next()?)? << 4 | digit(*rest.next()?)?,
            other => *other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_strictly() {
        assert_eq!(decode(b"a%3Ab+c%2B%C3%A9").as_deref(), Some("a:b c+\u{e9}"));
        for junk in [&b"%"[..], b"%4", b"%zz", b"%+1", b"%ff"] {
            assert_eq!(decode(junk), None, "{junk:?}");
        }
    }

    #[test]
    fn repeated_parameters_are_found_and_listed() {
        let form = Form::parse(b"resource=a&scope=x&resource=b&scope=y").unwrap();
        assert_eq!(form.repeated(&["resource"]), Some("scope"));
        assert_eq!(form.repeated(&["resource", "scope"]), None);
        assert_eq!(Value::from(form.to_json()), serde_json::json!({"resource": ["a", "b"], "scope": ["x", "y"]}));
    }
}
