//! `tokenwell curl`: the header reaches curl through its standard input, since everybody can read arguments.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write};
use std::process::{Command, ExitStatus, Stdio};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::schema::Form;

/// curl's options whose value `-` or `.` is its standard input.
const INPUT_OPTIONS: [&str; 4] = ["-T", "--upload-file", "-K", "--config"];

/// Refuses arguments that would read what the header comes through.
pub(crate) fn check(args: &[OsString]) -> Result<(), Failure> {
    if args.is_empty() {
        let failure = Failure::config("arguments_invalid", "there is nothing for curl to do");
        return Err(failure.with_hint("tokenwell curl [OPTIONS] -- https://api.example.com/"));
    }
    let texts: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
    let alone = |text: &&str| text.ends_with("@-") || text.ends_with("=<-") || ["-T-", "-T.", "-K-"].contains(text);
    let paired = |pair: &[&str]| INPUT_OPTIONS.contains(&pair[0]) && ["-", "."].contains(&pair[1]);
    if texts.iter().any(alone) || texts.windows(2).any(paired) {
        let message = "curl's standard input carries the token here, so curl cannot read data from it";
        let hint = "write the data to a file, and name that: --data @FILE, --upload-file FILE";
        return Err(Failure::config("arguments_invalid", message).with_hint(hint));
    }
    Ok(())
}

/// Runs curl with the header; its exit code is the outcome.
pub(crate) fn run(headers: &[(&str, String)], arguments: &Arguments) -> Result<i32, Failure> {
    let mut command = Command::new("curl");
    // curl looks at -q, which keeps ~/.curlrc out, in the first place only.
    let first =
        arguments.rest.iter().take_while(|arg| *arg == OsStr::new("-q") || *arg == OsStr::new("--disable")).count();
    command.args(&arguments.rest[..first]).args(["--config", "-"]).args(&arguments.rest[first..]);
    for setting in arguments.settings.iter().filter(|setting| setting.form == Form::Secret) {
        command.env_remove(setting.variable());
    }
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| {
        let failure = Failure::other("curl_missing", format!("curl cannot be started: {}", error.kind()));
        failure.with_hint("install curl, or check PATH")
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(header_lines(headers).as_bytes()) {
            // curl ended before it read anything: its exit code says why.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::other("curl_failed", format!("curl does not read its input: {}", error.kind())));
            }
            _ => drop(stdin),
        }
    }
    let status = child.wait().map_err(|error| Failure::other("curl_failed", format!("curl was lost: {error}")))?;
    Ok(exit_code(status))
}

/// Lines of curl's config: quoted values, in which a backslash and a quote are escaped.
fn header_lines(headers: &[(&str, String)]) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    headers.iter().map(|(name, value)| format!("header = \"{name}: {}\"\n", escaped(value))).collect()
}

/// As shells count: 128 and the signal.
fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(crate::failure::OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(args: &[&str]) -> bool {
        check(&args.iter().map(OsString::from).collect::<Vec<_>>()).is_err()
    }

    #[test]
    fn data_from_standard_input_is_refused() {
        for args in
            [&["-d", "@-", "u"][..], &["-d@-"], &["-T", "-", "u"], &["-K-"], &["-F", "a=<-"], &["-F", "a=@-"], &[]]
        {
            assert!(is_refused(args), "{args:?}");
        }
        for args in [&["-o", "-", "u"][..], &["-d", "@file", "u"], &["-D-", "u"]] {
            assert!(!is_refused(args), "{args:?}");
        }
    }

    #[test]
    fn the_header_is_quoted() {
        assert_eq!(
            header_lines(&[("Authorization", r#"Bearer a"b\c"#.to_owned())]),
            "header = \"Authorization: Bearer a\\\"b\\\\c\"\n"
        );
    }
}
