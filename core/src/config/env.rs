//! Options from the environment: `TOKENWELL_` and the option's name in capitals.

use serde_json::Value;

use super::OptionMap;
use super::read::{Form, OPTIONS, wrong};
use crate::error::Error;

/// Reads every option that is set. An empty variable counts as not set, as shells and container files leave them.
pub(super) fn read() -> Result<OptionMap, Error> {
    let mut options = OptionMap::new();
    for (name, _, form) in OPTIONS {
        let variable = format!("TOKENWELL_{}", name.to_ascii_uppercase());
        let Some(text) = std::env::var_os(&variable).filter(|text| !text.is_empty()) else {
            continue;
        };
        let text = text
            .into_string()
            .map_err(|_| Error::config("option_invalid", format!("`{name}` from {variable} is not UTF-8")))?;
        options.insert(name.to_owned(), value(name, text, form)?);
    }
    Ok(options)
}

fn value(name: &str, text: String, form: Form) -> Result<Value, Error> {
    match form {
        Form::Text => Ok(Value::String(text)),
        Form::Number => text.trim().parse::<f64>().map(Value::from).map_err(|_| wrong(name)),
        Form::Words => Ok(text.split_whitespace().collect()),
        Form::Json => serde_json::from_str(&text).map_err(|_| wrong(name)),
    }
}
