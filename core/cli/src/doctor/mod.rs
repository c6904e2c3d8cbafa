//! `tokenwell doctor`: one token request by the core, and where on its way it ended. What the core says decides; the checks of
//! this module add what helps to find the cause.

mod network;
mod report;

use serde_json::{Map, Value};
use tokenwell::{AccessToken, Config, ErrorKind};

use crate::arguments::Arguments;
use crate::command::client;
use crate::failure::Failure;
use crate::gather::{self, Options};
use crate::output;
use crate::schema::{Setting, nearest, settings};
use network::Route;
use report::{Report, Stage};

/// The server's clock may be so far from this machine's before it is worth a word. Seconds.
const CLOCK_TOLERANCE: i64 = 5;

/// The variables of the library itself: where PHP finds it, and where tests find the server.
const NOT_OPTIONS: [&str; 2] = ["TOKENWELL_LIBRARY", "TOKENWELL_DEV_SERVER"];

/// Prints the findings; the exit code is that of the first failure.
pub(crate) fn run(arguments: &Arguments) -> Result<i32, Failure> {
    let report = examine(arguments);
    match arguments.json {
        true => output::print(&report.to_json().to_string())?,
        false => output::print(&report.to_string())?,
    }
    Ok(report.failure().map_or(0, Failure::exit_code))
}

fn examine(arguments: &Arguments) -> Report {
    let mut report = Report::default();
    let options = match gather::options(arguments) {
        Ok(options) => options,
        Err(failure) => return report.fail(Stage::Configuration, failure, None),
    };
    let client = match client(options.values.clone().into()) {
        Ok(client) => client,
        Err(failure) => {
            let failure = match unread() {
                Some(fix) => failure.with_hint(fix),
                None => failure,
            };
            return report.fail(Stage::Configuration, failure, Some(correction(&options)));
        }
    };
    let Some(route) = Route::new(&options.values) else {
        let failure = Failure::other("internal_error", "the endpoint of a checked configuration cannot be read");
        return report.fail(Stage::Configuration, failure, None);
    };
    let outcome = client.blocking().access_token().map_err(Failure::from);
    let end = outcome.as_ref().err().map(stage_of);
    for stage in Stage::ALL {
        match &outcome {
            Err(failure) if end == Some(stage) => return report.fail(stage, failure.clone(), advice(stage, &route)),
            Ok(token) if stage == Stage::Authentication => authenticated(&mut report, token, &options.values),
            _ if stage == Stage::Secret && client.stats().exposed_files > 0 => report.warn(
                stage,
                "the file with the secret can be read by every user of this machine".to_owned(),
                "take that right away (chmod o-r); with `require_private_files` it is an error",
            ),
            _ => pass(&mut report, stage, &options, &route),
        }
    }
    report
}

/// The stage that a failure belongs to: all before it went well.
fn stage_of(failure: &Failure) -> Stage {
    let code = failure.code.as_str();
    match failure.kind {
        ErrorKind::Config if code == "auth_method_not_offered" => Stage::Discovery,
        ErrorKind::Config => Stage::Configuration,
        ErrorKind::Secret => Stage::Secret,
        ErrorKind::Transport if code == "dns" => Stage::Dns,
        ErrorKind::Transport if code.starts_with("tls") => Stage::Tls,
        ErrorKind::Transport => Stage::Connection,
        ErrorKind::Response => match code {
            "not_http" => Stage::Connection,
            "issuer_mismatch" | "insecure_endpoint" | "foreign_endpoint" => Stage::Discovery,
            _ if code.starts_with("metadata") => Stage::Discovery,
            _ => Stage::Authentication,
        },
        _ => Stage::Authentication,
    }
}

/// A stage that went well, with what there is to say about it.
fn pass(report: &mut Report, stage: Stage, options: &Options, route: &Route) {
    match stage {
        Stage::Configuration => {
            let found = format!("{} ({})", route.shown(), places(options));
            match unread() {
                Some(fix) => report.warn(stage, found, &fix),
                None => report.pass(stage, found),
            }
        }
        Stage::Secret => match secret(options) {
            Some(text) => report.pass(stage, text),
            None => report.skip(stage, "no secret is configured"),
        },
        Stage::Dns if route.is_address() => report.skip(stage, "the host is given as an address"),
        Stage::Dns => match route.addresses() {
            Ok(list) => report.pass(stage, format!("{}: {list}", route.host)),
            // The way was found all the same, so somebody else resolves the name.
            Err(why) => report.skip(stage, &format!("{}: {why}; the proxy resolves it", route.host)),
        },
        Stage::Connection => report.pass(stage, route.way()),
        Stage::Tls if route.is_plain() => report.skip(stage, "http on this machine has none"),
        Stage::Tls => report.pass(stage, format!("the certificate is trusted, by {}", route.trust())),
        Stage::Discovery if route.is_issuer => {
            report.pass(stage, "the issuer's metadata names the token endpoint".into())
        }
        Stage::Discovery => report.skip(stage, "`token_endpoint` is given, so nothing is discovered"),
        Stage::Clock => match clock_offset(options) {
            None => report.skip(stage, "the server does not tell its time"),
            Some(offset) => clock_finding(report, offset),
        },
        Stage::Authentication => {}
        Stage::Store => store_finding(report, options),
    }
}

/// Of options that the core has taken already.
fn config(options: &Options) -> Option<Config> {
    Config::from_value(options.values.clone().into()).ok()
}

fn clock_offset(options: &Options) -> Option<i64> {
    tokenwell::diagnosis::clock_offset(&config(options)?)
}

fn store_finding(report: &mut Report, options: &Options) {
    match config(options).and_then(tokenwell::diagnosis::store) {
        None => report.skip(Stage::Store, "`cache` is not shared with other processes"),
        Some(Ok(())) => report.pass(Stage::Store, "a sealed entry was written and read".to_owned()),
        Some(Err(error)) => {
            let found = format!("tokens are not shared: {}", error.message());
            report.warn(Stage::Store, found, error.hint().unwrap_or("correct `cache`"));
        }
    }
}

fn clock_finding(report: &mut Report, offset: i64) {
    let seconds = offset.unsigned_abs();
    let side = if offset > 0 { "ahead of" } else { "behind" };
    match seconds {
        0 => report.pass(Stage::Clock, "the server's clock and this machine's agree".to_owned()),
        _ if offset.abs() <= CLOCK_TOLERANCE => {
            report.pass(Stage::Clock, format!("the server's clock is {seconds} s {side} this machine's"));
        }
        _ => report.warn(
            Stage::Clock,
            format!("the server's clock is {seconds} s {side} this machine's"),
            "set this machine's clock by NTP, if it is the one that is wrong: certificates and signed requests depend on it",
        ),
    }
}

fn authenticated(report: &mut Report, token: &AccessToken, options: &Map<String, Value>) {
    let granted = token.scope().unwrap_or("not named by the server");
    let found = format!("a {} token for {} s, scope: {granted}", token.token_type(), token.expires_in());
    let missing: Vec<String> = match token.scope() {
        Some(granted) => {
            words(options.get("scope")).filter(|asked| !granted.split(' ').any(|word| word == asked)).collect()
        }
        None => Vec::new(),
    };
    if missing.is_empty() {
        return report.pass(Stage::Authentication, found);
    }
    let fix = format!("let the provider grant this client the scope {}, or do not ask for it", missing.join(" "));
    report.warn(Stage::Authentication, found, &fix);
}

/// The words of a scope, which is a text or a list of texts.
fn words(scope: Option<&Value>) -> impl Iterator<Item = String> {
    let texts = match scope {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    texts.iter().filter_map(Value::as_str).flat_map(str::split_whitespace).map(str::to_owned)
}

/// Names and places, never values.
fn places(options: &Options) -> String {
    let places: Vec<String> = options.places.iter().map(|(name, place)| format!("{name} from {place}")).collect();
    if places.is_empty() { "no option is given anywhere".to_owned() } else { places.join(", ") }
}

fn correction(options: &Options) -> String {
    format!("correct the option where it is given: {}", places(options))
}

/// What to do about a variable of the environment that looks like that of an option and is none.
fn unread() -> Option<String> {
    let prefix = "TOKENWELL_";
    let known: Vec<String> = settings().iter().flat_map(Setting::variables).collect();
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let name = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).find(|name| {
        name.starts_with(prefix) && is_name(name) && !known.contains(name) && !NOT_OPTIONS.contains(&name.as_str())
    })?;
    let bare = |name: &str| name.trim_start_matches(prefix).to_owned();
    let advice = match nearest(&bare(&name), known.iter().map(|known| bare(known))) {
        Some(meant) => format!("did you mean {prefix}{meant}?"),
        None => "correct its name, or unset it".to_owned(),
    };
    Some(format!("{name} is the variable of no option: {advice}"))
}

/// Which secret is used, and what kind of place it is in.
fn secret(options: &Options) -> Option<String> {
    let name = ["client_secret", "private_key", "client_assertion"]
        .into_iter()
        .find(|name| options.values.contains_key(*name))?;
    let source = match &options.values[name] {
        Value::Object(source) => source.keys().next().map_or("", String::as_str),
        _ => return Some(format!("{name} is given as a text")),
    };
    Some(format!("{name} can be read ({source})"))
}

/// What to do where the error itself does not say.
fn advice(stage: Stage, route: &Route) -> Option<String> {
    match stage {
        Stage::Connection => Some(format!("check that this machine can reach {}", route.way())),
        Stage::Authentication => {
            Some("compare the client's configuration with what the provider has registered".to_owned())
        }
        _ => None,
    }
}
