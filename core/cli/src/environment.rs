//! Options from the environment, by the rules of `Config::from_env`: `TOKENWELL_` and the option's name in capitals, secrets
//! also from the file that the variable with `_FILE` names. An empty variable counts as not set.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::schema::{Form, Setting};

/// The value of one option, if its variable is set.
pub(crate) fn read(setting: &Setting) -> Result<Option<Value>, Failure> {
    let variable = setting.variable();
    let file = format!("{variable}_FILE");
    let path = if setting.form == Form::Secret { text(&file)? } else { None };
    match (text(&variable)?, path) {
        (None, None) => Ok(None),
        (Some(text), None) => Ok(Some(setting.value(&text))),
        (None, Some(path)) => Ok(Some(json!({"file": path}))),
        (Some(_), Some(_)) => {
            let message = format!("{variable} and {file} are both set: unset one of them");
            Err(Failure::config("option_conflict", message))
        }
    }
}

fn text(variable: &str) -> Result<Option<String>, Failure> {
    let Some(text) = std::env::var_os(variable).filter(|text| !text.is_empty()) else { return Ok(None) };
    text.into_string().map(Some).map_err(|_| Failure::config("option_invalid", format!("{variable} is not UTF-8")))
}
