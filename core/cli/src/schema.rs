//! The options as the core's schema describes them: the flags, the variables and their forms all come from there.

use serde_json::{Map, Value};
use tokenwell::Config;

/// How an option is written where everything is text: in a flag or a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Text,
    /// A number.
    Number,
    /// Words with spaces between them; a flag may be repeated.
    Words,
    /// JSON; as a flag also NAME=VALUE, repeated.
    Map,
    /// JSON.
    Json,
    /// Text, unless it reads as one of the other types that the option takes.
    Mixed,
    /// A secret: in a variable, or in a file that a flag or a variable names. Never in a flag.
    Secret,
}

/// One option.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// As in the schema, `token_endpoint`.
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) form: Form,
}

impl Setting {
    /// As a flag, without the dashes in front: `token-endpoint`, `client-secret-file`.
    pub(crate) fn flag(&self) -> String {
        let end = if self.form == Form::Secret { "-file" } else { "" };
        format!("{}{end}", self.name.replace('_', "-"))
    }

    /// As an environment variable: `TOKENWELL_TOKEN_ENDPOINT`.
    pub(crate) fn variable(&self) -> String {
        format!("TOKENWELL_{}", self.name.to_ascii_uppercase())
    }

    /// The variables that it is read from.
    pub(crate) fn variables(&self) -> impl Iterator<Item = String> {
        let of_file = (self.form == Form::Secret).then(|| format!("{}_FILE", self.variable()));
        [self.variable()].into_iter().chain(of_file)
    }

    /// What a text means. One that cannot be read stays a text: the core says what it should have been.
    pub(crate) fn value(&self, text: &str) -> Value {
        let json = || serde_json::from_str::<Value>(text).ok();
        let value = match self.form {
            Form::Text | Form::Secret => None,
            Form::Number => text.trim().parse::<f64>().ok().map(Value::from),
            Form::Words => Some(text.split_whitespace().collect()),
            Form::Map | Form::Json => json(),
            Form::Mixed => json().filter(|value| value.is_object() || value.is_boolean()),
        };
        value.unwrap_or_else(|| text.into())
    }
}

/// Every option, in the order of the schema.
pub(crate) fn settings() -> Vec<Setting> {
    let schema = Config::schema();
    let setting = |(name, property): (&String, &Value)| Setting {
        name: name.clone(),
        description: property["description"].as_str().unwrap_or_default().to_owned(),
        form: form(&schema, property),
    };
    schema["properties"].as_object().map(Map::iter).into_iter().flatten().map(setting).collect()
}

/// The one of these names that a misspelt one must mean.
pub(crate) fn nearest(word: &str, names: impl IntoIterator<Item = String>) -> Option<String> {
    let likeness = names.into_iter().map(|name| (strsim::jaro_winkler(word, &name), name));
    likeness.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 > 0.75).map(|best| best.1)
}

fn form(schema: &Value, property: &Value) -> Form {
    let is_source =
        property["anyOf"].as_array().is_some_and(|all| all.iter().any(|one| one["$ref"] == "#/$defs/Source"));
    let takes = |kind| takes(schema, property, kind);
    match () {
        () if is_source => Form::Secret,
        () if takes("number") => Form::Number,
        () if takes("string") && takes("array") => Form::Words,
        () if takes("string") && (takes("object") || takes("boolean")) => Form::Mixed,
        () if takes("object") => Form::Map,
        () if takes("array") || takes("boolean") => Form::Json,
        () => Form::Text,
    }
}

/// Whether the schema lets this part be of this JSON type.
fn takes(schema: &Value, part: &Value, kind: &str) -> bool {
    let listed = match &part["type"] {
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        one => one == kind,
    };
    let branches = ["anyOf", "oneOf"].iter().filter_map(|name| part[*name].as_array()).flatten();
    let target = part["$ref"].as_str().and_then(|path| schema.pointer(path.trim_start_matches('#')));
    listed || branches.chain(target).any(|branch| takes(schema, branch, kind))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn setting(name: &str) -> Setting {
        settings().into_iter().find(|setting| setting.name == name).unwrap()
    }

    #[test]
    fn forms_come_from_the_schema() {
        let expected = [
            ("token_endpoint", Form::Text),
            ("timeout", Form::Number),
            ("scope", Form::Words),
            ("extra_parameters", Form::Map),
            ("client_secret", Form::Secret),
            ("private_key", Form::Secret),
            ("token_endpoint_auth_method", Form::Text),
        ];
        for (name, form) in expected {
            assert_eq!(setting(name).form, form, "{name}");
        }
        let schema = json!({"$defs": {"Cache": {"oneOf": [{"const": "none", "type": "string"}, {"type": "object"}]}}});
        let property = json!({"anyOf": [{"$ref": "#/$defs/Cache"}, {"type": "null"}]});
        assert_eq!(form(&schema, &property), Form::Mixed);
        assert_eq!(form(&schema, &json!({"type": ["boolean", "string"]})), Form::Mixed);
    }

    #[test]
    fn names_and_values() {
        assert_eq!(setting("client_secret").flag(), "client-secret-file");
        assert_eq!(setting("token_endpoint").flag(), "token-endpoint");
        assert_eq!(setting("token_endpoint").variable(), "TOKENWELL_TOKEN_ENDPOINT");
        assert_eq!(setting("timeout").value("2.5"), json!(2.5));
        assert_eq!(setting("timeout").value("soon"), json!("soon"));
        assert_eq!(setting("scope").value("a  b"), json!(["a", "b"]));
        assert_eq!(setting("extra_parameters").value(r#"{"a": "b"}"#), json!({"a": "b"}));
        let mixed = Setting { form: Form::Mixed, ..setting("cache") };
        assert_eq!(mixed.value("none"), json!("none"));
        assert_eq!(mixed.value("true"), json!(true));
        assert_eq!(mixed.value(r#"{"file": "d"}"#), json!({"file": "d"}));
    }
}
