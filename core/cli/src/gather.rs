//! The options of a command, from all places: a flag wins over the file, the file over the environment.

use serde_json::{Map, Value};
use tokenwell::Config;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::file;

/// Options that stand in each other's place: where a stronger place gives one, a weaker place does not add another.
const ALTERNATIVES: [&[&str]; 2] =
    [&["issuer", "token_endpoint"], &["client_secret", "private_key", "client_assertion"]];

/// What was found, and where.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) values: Map<String, Value>,
    /// Name and place of each, for the doctor.
    pub(crate) places: Vec<(String, &'static str)>,
}

impl Options {
    fn add(&mut self, place: &'static str, found: Map<String, Value>) {
        let taken: Vec<String> = self.values.keys().cloned().collect();
        for (name, value) in found.into_iter().filter(|(name, _)| !is_taken(name, &taken)) {
            self.places.push((name.clone(), place));
            self.values.insert(name, value);
        }
    }
}

fn is_taken(name: &str, taken: &[String]) -> bool {
    let alone = [name];
    let group = ALTERNATIVES.iter().find(|group| group.contains(&name)).copied().unwrap_or(&alone);
    taken.iter().any(|taken| group.contains(&taken.as_str()))
}

/// The options that these arguments, their file and the environment give.
pub(crate) fn options(arguments: &Arguments) -> Result<Options, Failure> {
    let mut options = Options::default();
    options.add("flag", arguments.options.clone());
    if let Some(path) = &arguments.config {
        options.add("file", file::read(path)?);
    }
    let taken: Vec<String> = options.values.keys().cloned().collect();
    options.add("environment", Config::environment(|name| !is_taken(name, &taken))?);
    Ok(options)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_stronger_place_wins_also_over_an_alternative() {
        let mut options = Options::default();
        options.add("flag", map(json!({"token_endpoint": "a", "private_key": {"file": "k"}})));
        options.add("file", map(json!({"issuer": "b", "client_secret": "s", "scope": "c", "client_id": "d"})));
        options.add("environment", map(json!({"scope": "e", "timeout": 1})));
        let expected = json!({
            "token_endpoint": "a", "private_key": {"file": "k"}, "scope": "c", "client_id": "d", "timeout": 1
        });
        assert_eq!(Value::Object(options.values), expected);
        assert!(options.places.contains(&("scope".to_owned(), "file")));
    }

    #[test]
    fn a_conflict_within_one_place_is_left_to_the_core() {
        let mut options = Options::default();
        options.add("file", map(json!({"issuer": "a", "token_endpoint": "b"})));
        assert_eq!(options.values.len(), 2);
    }
}
