//! The probe of the matrix in Rust: see core/conformance/matrix/README.md.

use std::io::{BufRead, Write};

use serde_json::{Value, json};
use tokenwell::{Client, Config, Error};

fn obey(client: &mut Option<Client>, order: &Value) -> Result<Value, Error> {
    if let Some(options) = order.get("new") {
        *client = Some(Client::new(Config::from_value(options.clone())?)?);
        return Ok(Value::Null);
    }
    let client = client.as_ref().expect("`new` comes first");
    let text = |name: &str| order[name].as_str().expect("a text");
    match text("call") {
        "authorization" => client.blocking().authorization().map(Value::String),
        "dpop_proof" => client.dpop_proof(text("method"), text("url"), text("token")).map(Value::String),
        "introspect" => client.blocking().introspect().map(Value::Object),
        "revoke" => client.blocking().revoke().map(|()| Value::Null),
        other => panic!("{other} is no call"),
    }
}

fn main() {
    let mut client = None;
    let mut output = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let order = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let answer = match obey(&mut client, &order) {
            Ok(result) => json!({ "result": result }),
            Err(error) => json!({"error": error.code(), "message": error.to_string()}),
        };
        writeln!(output, "{answer}").and_then(|()| output.flush()).expect("somebody reads");
    }
}
