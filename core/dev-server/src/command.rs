//! The command line.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use crate::server::{DevServer, Options};

const HELP: &str = "\
tokenwell-dev-server: a development authorization server, on loopback only

Usage: tokenwell-dev-server [--port N] [--no-stdin]

  --port N    the http port; 0, the default, takes a free one
  --no-stdin  serve until killed, not until standard input is closed
  --help      show this text

Prints one line of JSON with its endpoints, a client id and a secret.
";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
struct Arguments {
    port: u16,
    no_stdin: bool,
    help: bool,
}

/// Runs the command line with these arguments (without the program's name) until it is told to stop.
///
/// Exit code 2 means wrong arguments, 1 that the server could not start.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match parse(arguments) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("tokenwell-dev-server: {problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if arguments.help {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tokenwell-dev-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
    let mut parsed = Arguments::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        match text.as_ref() {
            "--help" | "-h" => parsed.help = true,
            "--no-stdin" => parsed.no_stdin = true,
            "--port" => {
                let value = arguments.next().ok_or("--port needs a number")?;
                parsed.port = port(&value.to_string_lossy())?;
            }
            other => match other.strip_prefix("--port=") {
                Some(value) => parsed.port = port(value)?,
                None => return Err(format!("unknown argument {other:?}")),
            },
        }
    }
    Ok(parsed)
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("--port must be a number from 0 to 65535, not {text:?}"))
}

fn serve(arguments: &Arguments) -> io::Result<()> {
    raise_file_limit();
    let (stop, stopped) = mpsc::channel::<()>();
    // Before the server starts, so that a signal always finds the handler that lets the temporary folder be removed.
    stop_on_signal(stop.clone())?;
    let server = DevServer::start(Options { port: arguments.port })?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(server.info())?)?;
    stdout.flush()?;
    drop(stdout);
    if !arguments.no_stdin {
        stop_on_end_of_input(stop);
    }
    // An error means that nothing is left that could stop the server; then only a kill can.
    if stopped.recv().is_err() {
        loop {
            thread::park();
        }
    }
    drop(server);
    Ok(())
}

fn stop_on_end_of_input(stop: mpsc::Sender<()>) {
    thread::spawn(move || {
        let mut buffer = [0; 1024];
        let mut stdin = io::stdin().lock();
        loop {
            match stdin.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let _ = stop.send(());
    });
}

#[cfg(unix)]
fn stop_on_signal(stop: mpsc::Sender<()>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = stop.send(());
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn stop_on_signal(_stop: mpsc::Sender<()>) -> io::Result<()> {
    Ok(())
}

/// Thousands of connections need more files than the usual soft limit of 1,024.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // A system that refuses leaves the old limit in place, which is enough for most tests.
    let _ = setrlimit(Resource::Nofile, raised);
}

#[cfg(not(unix))]
fn raise_file_limit() {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Arguments, String> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn ports_and_switches_are_read() {
        let expected = Arguments { port: 8080, no_stdin: true, help: false };
        assert_eq!(parsed(&["--port", "8080", "--no-stdin"]).as_ref(), Ok(&expected));
        assert_eq!(parsed(&["--no-stdin", "--port=8080"]).as_ref(), Ok(&expected));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for wrong in [&["--port"][..], &["--port", "65536"], &["--prot=1"], &["x"]] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }
}
