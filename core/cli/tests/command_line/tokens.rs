//! `token`, `header`, and how they fail.

use serde_json::json;

use crate::support::{Realm, bare, program, run, with};

fn is_token(text: &str) -> bool {
    text.len() > 10 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

#[test]
fn token_prints_it_alone() {
    let done = run(&Realm::root(), &["token"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(is_token(done.out.strip_suffix('\n').unwrap()), "{done:?}");
}

#[test]
fn token_in_json_is_the_whole_answer() {
    let answer = run(&Realm::root(), &["token", "--scope", "read write", "--json"]).json();
    assert!(is_token(answer["access_token"].as_str().unwrap()));
    assert_eq!(
        (&answer["token_type"], &answer["scope"], &answer["source"]),
        (&json!("Bearer"), &json!("read write"), &json!("network"))
    );
    let left = answer["expires_in"].as_u64().unwrap();
    assert!((3590..=3600).contains(&left) && answer["expires_at"].as_u64().unwrap() > 1_700_000_000 + left, "{answer}");
}

#[test]
fn header_is_a_line_or_a_map() {
    let realm = Realm::root();
    let line = run(&realm, &["header"]).out;
    assert!(is_token(line.strip_prefix("Authorization: Bearer ").unwrap().trim_end()), "{line}");
    let map = run(&realm, &["--json", "header"]).json();
    assert!(is_token(map["Authorization"].as_str().unwrap().strip_prefix("Bearer ").unwrap()), "{map}");
}

#[test]
fn exit_codes_follow_the_error_tree() {
    let realm = Realm::new(&json!({"script": [{"status": 200, "json": {"no": "token"}, "times": -1}]}));
    let plain = Realm::root();
    let missing = with(&plain, &["token", "--json", "--client-secret-file", "/no/such/file"]).output().unwrap().into();
    let runs = [
        ("ConfigError", "option_missing", 2, bare(&["token", "--json"])),
        ("SecretError", "secret_file_unreadable", 3, missing),
        ("TransportError", "connect", 4, run(&plain, &["token", "--json", "--token-endpoint", "http://127.0.0.1:1/t"])),
        ("ServerError", "invalid_client", 5, run(&plain, &["token", "--json", "--client-id", "nobody"])),
        ("ResponseError", "access_token_missing", 6, run(&realm, &["token", "--json"])),
    ];
    for (kind, code, exit, done) in runs {
        let error = done.error();
        assert_eq!(
            (error["kind"].as_str(), error["code"].as_str(), done.code),
            (Some(kind), Some(code), exit),
            "{done:?}"
        );
        for member in ["message", "hint", "retryable", "retry_after", "http_status", "error_description"] {
            assert!(error.get(member).is_some(), "{member}: {error}");
        }
    }
}

#[test]
fn an_error_for_people_says_what_to_do() {
    let done = run(&Realm::root(), &["token", "--client-id", "nobody"]);
    assert_eq!((done.code, done.out.as_str()), (5, ""));
    assert!(
        done.err.starts_with("tokenwell: ServerError (invalid_client): ") && done.err.contains("what to do: "),
        "{}",
        done.err
    );
}

#[test]
fn an_output_that_is_closed_is_no_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = with(&Realm::root(), &["token"]).stdout(writer).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("output_failed") && !text.contains("panicked"), "{text}");
}

#[test]
fn version_and_help() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(bare(&["--version"]).out, format!("tokenwell {version}\n"));
    assert_eq!(bare(&["--version", "--json"]).json(), json!({"version": version}));
    for args in [
        &["--help"][..],
        &["token", "--help"],
        &["header", "-h"],
        &["curl", "--help"],
        &["doctor", "--help"],
        &["serve", "--help"],
    ] {
        let done = bare(args);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{args:?}");
        assert!(
            done.out.contains("Usage: tokenwell ") && done.out.contains("4 TransportError"),
            "{args:?}: {}",
            done.out
        );
    }
    let help = bare(&["token", "--help"]).out;
    assert!(help.contains("--client-secret-file PATH") && !help.contains("--client-secret "), "{help}");
    assert_eq!((bare(&[]).code, bare(&["tokne"]).code), (2, 2));
}

#[test]
fn https_with_a_private_authority() {
    let realm = Realm::root();
    let info = realm.info();
    let args = ["token", "--token-endpoint", &info.https_token_endpoint, "--client-id", &info.client_id];
    let trusted = [args.as_slice(), &["--tls-ca-file", &info.ca_file]].concat();
    let code = |args: &[&str]| {
        program(args).env("TOKENWELL_CLIENT_SECRET", &info.client_secret).output().unwrap().status.code()
    };
    assert_eq!((code(&trusted), code(&args)), (Some(0), Some(4)));
}

#[test]
fn s29_a_bound_token_goes_with_its_proof() {
    let realm = Realm::new(&json!({"dpop": "required"}));
    let url = realm["resource"].as_str().unwrap();
    let lines = run(&realm, &["header", "--dpop", "true", "--url", url, "--method", "POST"]).out;
    let lines: Vec<&str> = lines.lines().collect();
    assert!(lines[0].starts_with("Authorization: DPoP ") && lines[1].starts_with("DPoP: ey") && lines.len() == 2);
    let unnamed = run(&realm, &["header", "--dpop", "true", "--json"]);
    assert_eq!((unnamed.code, unnamed.error()["code"].as_str()), (2, Some("arguments_invalid")), "{unnamed:?}");
    for more in [&[][..], &["-d", "a=b"], &["-X", "DELETE"]] {
        let done = run(&realm, &[&["curl", "--dpop", "ES384", "--", "-q", "-s", "-f", url], more].concat());
        assert_eq!(done.code, 0, "{done:?}");
    }
}
