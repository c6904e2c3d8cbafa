//! F09: an IPv6 address behind which every packet is lost costs less than a second, where there is an IPv4 address too.
//!
//! The test runs itself in a network of its own, where `localhost` has such an address (.ci/blackhole.sh).

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::json;
use tokenwell::{Client, Config};
use tokenwell_dev_server::{DevServer, Options};

/// The command that gives the network, up to the command to run there.
fn blackhole() -> Command {
    Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.ci/blackhole.sh"))
}

fn main() -> ExitCode {
    if std::env::var_os("BLACKHOLE").is_some() {
        f09_the_other_address_of_a_name_is_tried_within_a_second();
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let lacks = blackhole().arg("true").output().map_or_else(
        |error| Some(error.to_string()),
        |done| (!done.status.success()).then(|| String::from_utf8_lossy(&done.stderr).trim().to_owned()),
    );
    let mut title = "f09_the_other_address_of_a_name_is_tried_within_a_second".to_owned();
    if let Some(reason) = &lacks {
        title = format!("{title} (this machine allows no network of its own: {reason})");
    }
    libtest_mimic::run(&arguments, vec![Trial::test(title, inside).with_ignored_flag(lacks.is_some())]).exit_code()
}

fn inside() -> Result<(), Failed> {
    let done = blackhole().arg(std::env::current_exe()?).output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.success() { Ok(()) } else { Err(said.into_owned().into()) }
}

fn f09_the_other_address_of_a_name_is_tried_within_a_second() {
    let server = DevServer::start(Options::default()).expect("the development server starts");
    let info = server.info();
    let endpoint = info.token_endpoint.replace("127.0.0.1", "localhost");
    assert_ne!(endpoint, info.token_endpoint);
    let addresses: Vec<SocketAddr> = ("localhost", 1).to_socket_addrs().expect("the name is known").collect();
    assert!(addresses[0].is_ipv6(), "the address that loses packets comes first: {addresses:?}");
    let lost =
        TcpStream::connect_timeout(&addresses[0], Duration::from_millis(1500)).expect_err("the packets are lost");
    assert_eq!(lost.kind(), std::io::ErrorKind::TimedOut);

    let options = json!({"token_endpoint": endpoint, "client_id": info.client_id, "client_secret": info.client_secret});
    let client = Client::new(Config::from_value(options).expect("the options are right")).expect("the client is made");
    let started = Instant::now();
    client.blocking().token().expect("a token comes");
    let took = started.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}
