//! From arguments to what they ask for. No message repeats a value: it may be a secret in the wrong place.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser};
use serde_json::{Map, Value, json};

use crate::command::Command;
use crate::failure::Failure;
use crate::schema::{Form, Setting, nearest, settings};

/// Flags that are no options of the schema.
const OWN_FLAGS: [&str; 6] = ["json", "config", "help", "version", "url", "method"];
/// Parts of names of extra parameters that hold secrets.
const SECRET_NAMES: [&str; 3] = ["password", "secret", "assertion"];

/// What the arguments ask for.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) command: Option<Command>,
    pub(crate) json: bool,
    pub(crate) help: bool,
    pub(crate) version: bool,
    pub(crate) config: Option<PathBuf>,
    /// The request that a bound token's proof is for.
    pub(crate) url: Option<String>,
    pub(crate) method: Option<String>,
    /// Options from flags, by their names in the schema.
    pub(crate) options: Map<String, Value>,
    /// What stands behind `--`, or behind `serve`.
    pub(crate) rest: Vec<OsString>,
    pub(crate) settings: Vec<Setting>,
}

/// Whether the answer is wanted as JSON; asked first, since the arguments may be wrong.
pub(crate) fn wants_json(args: &[OsString]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json")
}

/// Reads the arguments (without the program's name).
pub(crate) fn parse(mut args: Vec<OsString>) -> Result<Arguments, Failure> {
    let mut parsed = Arguments { settings: settings(), ..Arguments::default() };
    let rest = args.iter().position(|arg| arg == "--").map(|dashes| args.split_off(dashes));
    let mut parser = Parser::from_args(args);
    while let Some(arg) = parser.next().map_err(unreadable)? {
        match arg {
            Arg::Long("json") => parsed.json = true,
            Arg::Long("help") | Arg::Short('h') => parsed.help = true,
            Arg::Long("version") | Arg::Short('V') => parsed.version = true,
            Arg::Long("config") => parsed.config = Some(parser.value().map_err(unreadable)?.into()),
            Arg::Long("url") => parsed.url = Some(text(&mut parser, "url")?),
            Arg::Long("method") => parsed.method = Some(text(&mut parser, "method")?),
            Arg::Long(name) => {
                let name = name.replace('_', "-");
                parsed.option(&name, &mut parser)?;
            }
            Arg::Short(letter) => return Err(unknown(&format!("-{letter}"), &parsed.settings)),
            Arg::Value(word) if parsed.command.is_none() => {
                parsed.command = Some(Command::find(&word.to_string_lossy())?);
                if parsed.command == Some(Command::Serve) {
                    let given = parser.raw_args().map_err(unreadable)?;
                    return Ok(parsed.serve(given.collect()));
                }
            }
            Arg::Value(_) => {
                let hint = "options begin with --; what is meant for curl stands behind `--`";
                return Err(Failure::config("arguments_invalid", "there is an argument too many").with_hint(hint));
            }
        }
    }
    if let Some(rest) = rest {
        if parsed.command != Some(Command::Curl) {
            return Err(Failure::config("arguments_invalid", "only `tokenwell curl` takes arguments behind `--`"));
        }
        parsed.rest = rest.into_iter().skip(1).collect();
    }
    Ok(parsed)
}

impl Arguments {
    /// The development server reads its arguments itself.
    fn serve(mut self, given: Vec<OsString>) -> Arguments {
        for arg in given {
            match arg.to_str() {
                Some("--json") => self.json = true,
                Some("--help" | "-h") => self.help = true,
                _ => self.rest.push(arg),
            }
        }
        self
    }

    fn option(&mut self, flag: &str, parser: &mut Parser) -> Result<(), Failure> {
        let is_plain = |setting: &&Setting| setting.form == Form::Secret && setting.name.replace('_', "-") == flag;
        if let Some(setting) = self.settings.iter().find(is_plain) {
            return Err(secret_refused(setting));
        }
        let found = self.settings.iter().find(|setting| setting.flag() == flag).cloned();
        let setting = found.ok_or_else(|| unknown(&format!("--{flag}"), &self.settings))?;
        let text = text(parser, flag)?;
        if has_credential(&text) {
            return Err(credential_refused(&setting));
        }
        self.insert(&setting, &text)
    }

    fn insert(&mut self, setting: &Setting, text: &str) -> Result<(), Failure> {
        let before = self.options.remove(&setting.name);
        let value = match setting.form {
            Form::Secret => json!({"file": text}),
            Form::Words => joined(before, setting.value(text)),
            Form::Map => match (setting.value(text), text.split_once('=')) {
                (Value::String(_), Some((name, value))) => merged(before, json!({name: value})),
                (value, _) => merged(before, value),
            },
            _ => setting.value(text),
        };
        let is_secret = |name: &String| SECRET_NAMES.iter().any(|part| name.to_ascii_lowercase().contains(part));
        if value.as_object().is_some_and(|map| setting.form == Form::Map && map.keys().any(is_secret)) {
            return Err(credential_refused(setting));
        }
        self.options.insert(setting.name.clone(), value);
        Ok(())
    }
}

fn text(parser: &mut Parser, flag: &str) -> Result<String, Failure> {
    let text = parser.value().map_err(unreadable)?.into_string();
    text.map_err(|_| Failure::config("option_invalid", format!("--{flag} is not UTF-8")))
}

fn joined(before: Option<Value>, more: Value) -> Value {
    match (before, more) {
        (Some(Value::Array(before)), Value::Array(more)) => before.into_iter().chain(more).collect(),
        (_, more) => more,
    }
}

fn merged(before: Option<Value>, more: Value) -> Value {
    match (before, more) {
        (Some(Value::Object(mut before)), Value::Object(more)) => {
            before.extend(more);
            Value::Object(before)
        }
        (_, more) => more,
    }
}

/// Whether a URL with a user or a password stands in this text.
fn has_credential(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', '"']).next().unwrap_or_default();
        authority.contains('@')
    })
}

fn secret_refused(setting: &Setting) -> Failure {
    let (name, variable, flag) = (&setting.name, setting.variable(), setting.flag());
    let message = "a secret is never taken from the arguments, which every user of this machine can read";
    Failure::config("secret_in_arguments", message).with_hint(format!(
        "set {variable} or {variable}_FILE, or give --{flag} PATH, or write in the --config file {name} = {{ file = \"PATH\" }}, \
         {{ env = \"NAME\" }} or {{ command = [\"PROGRAM\", ...] }}"
    ))
}

fn credential_refused(setting: &Setting) -> Failure {
    let message = "a value in the arguments holds a credential, and every user of this machine can read those";
    Failure::config("secret_in_arguments", format!("`{}`: {message}", setting.name)).with_hint(format!(
        "set {}, or write {} in the --config file",
        setting.variable(),
        setting.name
    ))
}

fn unknown(flag: &str, settings: &[Setting]) -> Failure {
    let bare = flag.trim_start_matches('-');
    let flags = settings.iter().map(Setting::flag).chain(OWN_FLAGS.map(str::to_owned));
    let hint = match nearest(bare, flags) {
        Some(known) => format!("did you mean --{known}?"),
        None => "--help shows all options".to_owned(),
    };
    let shown: String = flag.chars().filter(|c| !c.is_control()).take(60).collect();
    Failure::config("option_unknown", format!("{shown} is not an option")).with_hint(hint)
}

/// The parser's own texts repeat values.
fn unreadable(error: lexopt::Error) -> Failure {
    let message = match error {
        lexopt::Error::MissingValue { option: Some(option) } => format!("{option} needs a value"),
        lexopt::Error::UnexpectedValue { option, .. } => format!("{option} takes no value"),
        _ => "the arguments cannot be read".to_owned(),
    };
    Failure::config("arguments_invalid", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Arguments, Failure> {
        parse(args.iter().map(OsString::from).collect())
    }

    #[test]
    fn flags_become_options() {
        let args = ["token", "--scope", "a b", "--scope=c", "--timeout", "3", "--extra-parameters", "x=1"];
        let more = ["--extra-parameters", r#"{"y": "2"}"#, "--client-secret-file", "s", "--client_id", "me", "--json"];
        let parsed = parsed(&[args.as_slice(), &more].concat()).unwrap();
        let expected = json!({
            "scope": ["a", "b", "c"], "timeout": 3.0, "extra_parameters": {"x": "1", "y": "2"},
            "client_secret": {"file": "s"}, "client_id": "me",
        });
        assert_eq!(Value::Object(parsed.options), expected);
        assert!(parsed.json && parsed.command == Some(Command::Token));
    }

    #[test]
    fn s30_no_secret_is_taken_and_none_is_shown() {
        let refused = [
            &["token", "--client-secret", "hush"][..],
            &["token", "--client-secret=hush"],
            &["--client_secret=hush"],
            &["token", "--private-key", "hush"],
            &["token", "--client-assertion", "hush"],
            &["token", "--proxy", "http://me:hush@proxy.example.com"],
            &["token", "--extra-parameters", "password=hush"],
            &["token", "--extra-parameters", r#"{"Client-Secret": "hush"}"#],
        ];
        for args in refused {
            let failure = parsed(args).unwrap_err();
            assert_eq!((failure.code.as_str(), failure.exit_code()), ("secret_in_arguments", 2), "{args:?}");
            assert!(!format!("{failure} {failure:?}").contains("hush"), "{failure}");
        }
        for args in [&["token", "hush"][..], &["token", "--json=hush"], &["token", "--nothing=hush"]] {
            assert!(!format!("{:?}", parsed(args).unwrap_err()).contains("hush"), "{args:?}");
        }
    }

    #[test]
    fn a_refused_secret_comes_with_the_ways_that_work() {
        let hint = parsed(&["token", "--client-secret", "x"]).unwrap_err().hint.unwrap();
        for way in ["TOKENWELL_CLIENT_SECRET", "--client-secret-file", "{ file = ", "{ env = ", "{ command = "] {
            assert!(hint.contains(way), "{way}: {hint}");
        }
    }

    #[test]
    fn mistakes_get_advice() {
        let hint = |args: &[&str]| parsed(args).unwrap_err().hint.unwrap_or_default();
        assert_eq!(hint(&["token", "--token-endpiont", "x"]), "did you mean --token-endpoint?");
        assert_eq!(hint(&["tokne"]), "did you mean `token`?");
        assert!(parsed(&["token", "--scope"]).unwrap_err().message.contains("--scope needs a value"));
        assert!(parsed(&["token", "--", "x"]).is_err());
    }

    #[test]
    fn curl_and_serve_keep_their_arguments() {
        assert_eq!(parsed(&["curl", "--json", "--", "-s", "--json", "--"]).unwrap().rest, ["-s", "--json", "--"]);
        let serve = parsed(&["serve", "--port", "0", "--json"]).unwrap();
        assert_eq!((serve.rest, serve.json), (vec!["--port".into(), "0".into()], true));
    }
}
