//! Prints an access token for the client of `TOKENWELL_CLIENT_ID`, `TOKENWELL_CLIENT_SECRET` and `TOKENWELL_TOKEN_ENDPOINT`.

use std::process::ExitCode;

use tokenwell::{Client, Config, Error};

fn get_access_token() -> Result<String, Error> {
    let client = Client::new(Config::from_guide(None, None, None)?)?;
    let token = client.blocking().access_token()?;
    Ok(token.value().to_owned())
}

fn main() -> ExitCode {
    match get_access_token() {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", error.kind().name());
            ExitCode::FAILURE
        }
    }
}
