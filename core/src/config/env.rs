//! Options from the environment: `TOKENWELL_` and the option's name in capitals.

use serde_json::{Value, json};

use super::OptionMap;
use super::read::{Form, OPTIONS, read_json, wrong};
use crate::error::Error;

/// Reads every option that is set and `wanted`. An empty variable counts as not set, as shells and container files leave them.
pub(super) fn read(wanted: &dyn Fn(&str) -> bool) -> Result<OptionMap, Error> {
    let mut options = OptionMap::new();
    for (name, _, form) in OPTIONS.into_iter().filter(|option| wanted(option.0)) {
        let variable = format!("TOKENWELL_{}", name.to_ascii_uppercase());
        let text = text(name, &variable)?;
        let file = if form == Form::Secret { self::text(name, &format!("{variable}_FILE"))? } else { None };
        let value = match (text, file) {
            (None, None) => continue,
            (Some(text), None) => value(name, &variable, text, form)?,
            (None, Some(path)) => json!({"file": path}),
            (Some(_), Some(_)) => {
                let message = format!("{variable} and {variable}_FILE are both set: unset one of them");
                return Err(Error::config("option_conflict", message));
            }
        };
        options.insert(name.to_owned(), value);
    }
    Ok(options)
}

fn text(name: &str, variable: &str) -> Result<Option<String>, Error> {
    let Some(text) = std::env::var_os(variable).filter(|text| !text.is_empty()) else { return Ok(None) };
    let not_text = |_| Error::config("option_invalid", format!("`{name}` from {variable} is not UTF-8"));
    text.into_string().map(Some).map_err(not_text)
}

fn value(name: &str, variable: &str, text: String, form: Form) -> Result<Value, Error> {
    let json = || read_json(text.as_bytes(), &format!("options in {variable}"));
    let no_json = || wrong(name).with_hint(format!("what {variable} holds is no JSON, where a backslash stands twice"));
    match form {
        Form::Text | Form::Secret => Ok(Value::String(text)),
        Form::Number => text.trim().parse::<f64>().map(Value::from).map_err(|_| wrong(name)),
        Form::Words => Ok(text.split_whitespace().collect()),
        Form::Mixed => {
            let json = json()?;
            if json.is_none() && text.trim_start().starts_with('{') {
                return Err(no_json());
            }
            Ok(json.filter(|value| value.is_object() || value.is_boolean()).unwrap_or(Value::String(text)))
        }
        Form::Json => json()?.ok_or_else(no_json),
    }
}
