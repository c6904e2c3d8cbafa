//! Options from a TOML file: the names of the schema as keys.

use std::path::Path;

use serde_json::{Map, Value};

use crate::failure::Failure;

/// Reads the file. The errors name a line, never its content, which may be a secret.
pub(crate) fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("--config {shown} cannot be read: {}", tokenwell::diagnosis::reason(&error));
        Failure::config("config_file_unreadable", message).with_hint("give the path of a readable TOML file")
    })?;
    toml::from_str(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::config("config_file_invalid", format!("--config {shown} is not TOML, see its line {line}"))
            .with_hint("write lines such as client_id = \"reports\", with texts in quotes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_line_and_not_its_content() {
        let path = std::env::temp_dir().join(format!("tokenwell-cli-{}.toml", std::process::id()));
        std::fs::write(&path, "client_id = \"a\"\nclient_secret = \"hush\nscope = \"b\"\n").unwrap();
        let failure = read(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(failure.message.ends_with("is not TOML, see its line 2"), "{failure}");
        assert!(!format!("{failure} {failure:?}").contains("hush"));
    }
}
