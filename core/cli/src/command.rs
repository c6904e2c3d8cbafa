//! The commands.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};
use tokenwell::{AccessToken, Client, Config};

use crate::arguments::{self, Arguments};
use crate::failure::Failure;
use crate::request::{self, Request};
use crate::schema::nearest;
use crate::{curl, doctor, gather, help, output};

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Token,
    Header,
    Curl,
    Doctor,
    Serve,
}

impl Command {
    pub(crate) const ALL: [(&str, Command); 5] = [
        ("token", Command::Token),
        ("header", Command::Header),
        ("curl", Command::Curl),
        ("doctor", Command::Doctor),
        ("serve", Command::Serve),
    ];

    pub(crate) fn find(word: &str) -> Result<Command, Failure> {
        if let Some((_, command)) = Command::ALL.iter().find(|(name, _)| *name == word) {
            return Ok(*command);
        }
        let hint = match nearest(word, Command::ALL.map(|(name, _)| name.to_owned())) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the commands are {}", Command::ALL.map(|(name, _)| name).join(", ")),
        };
        Err(Failure::config("command_unknown", "the first argument is not a command").with_hint(hint))
    }
}

/// Runs the command line; gives the exit code.
pub(crate) fn run(args: Vec<OsString>) -> i32 {
    let as_json = arguments::wants_json(&args);
    arguments::parse(args).and_then(|arguments| execute(&arguments)).unwrap_or_else(|failure| {
        output::complain(&failure, as_json);
        failure.exit_code()
    })
}

fn execute(arguments: &Arguments) -> Result<i32, Failure> {
    if arguments.help {
        return output::print(&help::text(arguments.command, &arguments.settings)).map(|()| 0);
    }
    if arguments.version {
        let version = env!("CARGO_PKG_VERSION");
        return show(arguments, &format!("tokenwell {version}"), &json!({"version": version}));
    }
    match arguments.command {
        Some(Command::Token) => {
            let (_, token) = fetch(arguments)?;
            show(arguments, token.value(), &token_json(&token))
        }
        Some(Command::Header) => {
            let (client, token) = fetch(arguments)?;
            let headers = request::headers(&client, &token, request::of_flags(arguments))?;
            let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            show(arguments, &lines.join("\n"), &headers.into_iter().collect())
        }
        Some(Command::Curl) => {
            curl::check(&arguments.rest)?;
            let (client, token) = fetch(arguments)?;
            let request = request::of_flags(arguments).or_else(|| Request::of_curl(&arguments.rest));
            curl::run(&request::headers(&client, &token, request)?, arguments)
        }
        Some(Command::Doctor) => doctor::run(arguments),
        Some(Command::Serve) => serve(&arguments.rest),
        None => {
            Err(Failure::config("command_missing", "no command is given").with_hint("`tokenwell --help` shows them"))
        }
    }
}

fn show(arguments: &Arguments, text: &str, json: &Value) -> Result<i32, Failure> {
    match arguments.json {
        true => output::print(&json.to_string()),
        false => output::print(text),
    }
    .map(|()| 0)
}

fn fetch(arguments: &Arguments) -> Result<(Client, AccessToken), Failure> {
    let client = client(gather::options(arguments)?.values.into())?;
    let token = client.blocking().access_token()?;
    Ok((client, token))
}

/// A client of these options; the core checks them.
pub(crate) fn client(options: Value) -> Result<Client, Failure> {
    let failure = match Config::from_value(options).and_then(Client::new) {
        Ok(client) => return Ok(client),
        Err(error) => Failure::from(error),
    };
    match failure.code.as_str() {
        "option_missing" => Err(failure.with_hint(
            "an option is a flag (--client-id), a key of the --config file (client_id) or a variable (TOKENWELL_CLIENT_ID); \
             a secret is never a flag",
        )),
        _ => Err(failure),
    }
}

/// The token answer in the names of RFC 6749 section 5.1.
fn token_json(token: &AccessToken) -> Value {
    let expires_at = token.expires_at().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    json!({
        "access_token": token.value(),
        "token_type": token.token_type(),
        "expires_in": token.expires_in(),
        "expires_at": expires_at,
        "scope": token.scope(),
        "source": token.source().as_str(),
    })
}

/// The server writes its own messages; with `--json` there is an error to read beside them.
fn serve(args: &[OsString]) -> Result<i32, Failure> {
    let code = tokenwell_dev_server::run(args.to_vec());
    match code {
        code if code == ExitCode::SUCCESS => Ok(0),
        code if code == ExitCode::from(2) => Err(Failure::config("arguments_invalid", "the server was not started")),
        _ => Err(Failure::other("serve_failed", "the development server could not run")),
    }
}
