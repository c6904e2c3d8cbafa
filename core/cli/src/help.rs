//! The texts of `--help`.

use crate::command::Command;
use crate::schema::{Form, Setting};

const OVERVIEW: &str = "\
tokenwell: OAuth 2.0 access tokens for the shell

Usage: tokenwell COMMAND [OPTIONS]

  token    print an access token, alone
  header   print a header line: Authorization: Bearer ...
  curl     run curl with that header: tokenwell curl [OPTIONS] -- CURL-ARGUMENTS
  doctor   check configuration, network, TLS, discovery, clock and authentication, and say what to fix
  serve    run the development authorization server, on loopback only

  --version       print the version
  COMMAND --help  show the command's options
";

const TOKEN: &str = "\
Usage: tokenwell token [OPTIONS]

Prints an access token, alone on standard output. With --json: access_token, token_type, expires_in, expires_at (unix
seconds), scope and source.
";

const HEADER: &str = "\
Usage: tokenwell header [OPTIONS] [--url URL [--method METHOD]]

Prints the line `Authorization: Bearer ...` (RFC 6750 section 2.1). With --json: a map of header names to values. With --dpop
the token is bound to a key: then the line `DPoP: ...` follows, a proof for one request with this URL and method (RFC 9449).
";

const CURL: &str = "\
Usage: tokenwell curl [OPTIONS] [--url URL [--method METHOD]] -- CURL-ARGUMENTS

Runs curl with the header `Authorization: Bearer ...`. curl reads it from its standard input, so it is in no argument; data for
curl must come from a file. Once curl runs, its exit code is the outcome. With --dpop a proof goes with the token: its URL and
method are read from curl's arguments if they are not given. A nonce that the resource asks for is not sent: curl runs once.
";

const DOCTOR: &str = "\
Usage: tokenwell doctor [OPTIONS]

Checks, in this order, configuration, secret, DNS, connection, TLS, discovery, clock and authentication (by a token request),
and says what to fix. It shows no secret and no token. With --json: ok, steps and, after a failure, error.
";

const SERVE: &str = "\
Usage: tokenwell serve [--port N] [--no-stdin]

Runs the development authorization server, on loopback only, and prints one line of JSON: its endpoints, a client id and a
secret.

  --port N    the http port; 0, the default, takes a free one
  --no-stdin  serve until killed, not until standard input is closed
";

const OPTIONS: &str = "
Options: a flag wins over the file, the file over the environment. The names are those of the library: token_endpoint is the flag
--token-endpoint, the key token_endpoint in the file and the variable TOKENWELL_TOKEN_ENDPOINT. A secret is never taken from the
arguments: it comes from its variable, a file, or the --config file (a text, { file = PATH }, { env = NAME } or
{ command = [PROGRAM, ...] }, { keyring = { service = S, account = A } }).

";

const EXIT_CODES: &str = "
Errors go to standard error; with --json as {\"error\": {\"kind\", \"code\", \"message\", \"hint\", ...}}.

Exit codes: 0 done, 2 ConfigError (also wrong arguments), 3 SecretError, 4 TransportError, 5 ServerError, 6 ResponseError,
7 CacheError, 1 anything else.
";

/// The help of a command, or the overview.
pub(crate) fn text(command: Option<Command>, settings: &[Setting]) -> String {
    let (head, has_options) = match command {
        None => (OVERVIEW, false),
        Some(Command::Token) => (TOKEN, true),
        Some(Command::Header) => (HEADER, true),
        Some(Command::Curl) => (CURL, true),
        Some(Command::Doctor) => (DOCTOR, true),
        Some(Command::Serve) => (SERVE, false),
    };
    let options = if has_options { options(settings) } else { String::new() };
    format!("{head}{options}{}", EXIT_CODES.trim_end())
}

fn options(settings: &[Setting]) -> String {
    let mut lines = vec![
        ("--config FILE".to_owned(), "TOML file with options.".to_owned()),
        ("--json".to_owned(), "Answers and errors in JSON.".to_owned()),
    ];
    lines.extend(settings.iter().map(|setting| {
        let value = match setting.form {
            Form::Secret => "PATH",
            Form::Number => "NUMBER",
            Form::Map => "NAME=VALUE",
            Form::Json => "JSON",
            Form::Text | Form::Words | Form::Mixed => "VALUE",
        };
        let of_file = if setting.form == Form::Secret { "File with this: " } else { "" };
        (format!("--{} {value}", setting.flag()), format!("{of_file}{}", setting.description))
    }));
    lines
        .iter()
        .fold(OPTIONS.to_owned(), |text, (flag, description)| format!("{text}  {flag}\n        {description}\n"))
}
