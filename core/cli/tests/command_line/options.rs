//! Where options come from, and where secrets do not.

use serde_json::{Value, json};

use crate::support::{Folder, Realm, Run, bare, program, run, with};

fn text<'a>(realm: &'a Value, name: &str) -> &'a str {
    realm[name].as_str().unwrap()
}

fn scope(done: &Run) -> Value {
    done.json()["scope"].clone()
}

#[test]
fn a_toml_file_has_the_names_of_the_schema() {
    let (realm, folder) = (Realm::root(), Folder::new());
    let secret = folder.write("secret", &format!("{}\n", text(&realm, "client_secret")));
    for source in [
        format!("\"{}\"", text(&realm, "client_secret")),
        format!("{{ file = \"{secret}\" }}"),
        "{ env = \"ELSEWHERE\" }".to_owned(),
        format!("{{ command = [\"cat\", \"{secret}\"] }}"),
    ] {
        let file = folder.write(
            "tokenwell.toml",
            &format!(
                "token_endpoint = \"{}\"\nclient_id = \"{}\"\nclient_secret = {source}\nscope = [\"a\", \"b\"]\ntimeout = 5\n",
                text(&realm, "token_endpoint"),
                text(&realm, "client_id")
            ),
        );
        let mut command = program(&["token", "--json", "--config", &file]);
        let done: Run = command.env("ELSEWHERE", text(&realm, "client_secret")).output().unwrap().into();
        assert_eq!(scope(&done), "a b", "{source}");
    }
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_environment() {
    let (realm, folder) = (Realm::root(), Folder::new());
    let file = folder.write("tokenwell.toml", "scope = \"file\"\n");
    let asked = |args: &[&str]| {
        let all = [&["token", "--json"], args].concat();
        scope(&with(&realm, &all).env("TOKENWELL_SCOPE", "environment").output().unwrap().into())
    };
    assert_eq!(asked(&[]), "environment");
    assert_eq!(asked(&["--config", &file]), "file");
    assert_eq!(asked(&["--config", &file, "--scope", "flag"]), "flag");
}

#[test]
fn an_endpoint_in_a_flag_takes_the_place_of_an_issuer_in_the_environment() {
    let realm = Realm::root();
    let endpoint = text(&realm, "token_endpoint");
    let mut command = with(&realm, &["token", "--token-endpoint", endpoint]);
    let done = command.env_remove("TOKENWELL_TOKEN_ENDPOINT").env("TOKENWELL_ISSUER", "https://elsewhere.example.com");
    assert_eq!(done.output().unwrap().status.code(), Some(0));
}

#[test]
fn a_secret_file_in_a_flag_or_the_environment() {
    let (realm, folder) = (Realm::root(), Folder::new());
    let secret = folder.write("secret", text(&realm, "client_secret"));
    let mut flag = with(&realm, &["token", "--client-secret-file", &secret]);
    assert_eq!(flag.env("TOKENWELL_CLIENT_SECRET", "wrong").output().unwrap().status.code(), Some(0));
    let mut variable = with(&realm, &["token"]);
    variable.env_remove("TOKENWELL_CLIENT_SECRET").env("TOKENWELL_CLIENT_SECRET_FILE", &secret);
    assert_eq!(variable.output().unwrap().status.code(), Some(0));
    let both = with(&realm, &["token", "--json"]).env("TOKENWELL_CLIENT_SECRET_FILE", &secret).output().unwrap().into();
    assert_eq!(Run::error(&both)["code"], "option_conflict");
}

#[test]
fn s30_a_secret_in_the_arguments_is_refused_and_not_repeated() {
    let realm = Realm::root();
    for args in [
        &["token", "--client-secret", "hush"][..],
        &["curl", "--private-key=hush", "--", "x"],
        &["doctor", "--client-assertion", "hush"],
    ] {
        let done = run(&realm, &[args, &["--json"][..]].concat());
        let done = if args.contains(&"--") { run(&realm, &[&["--json"], args].concat()) } else { done };
        assert_eq!((done.code, &done.error()["code"]), (2, &json!("secret_in_arguments")), "{args:?}");
        assert!(!done.err.contains("hush"), "{}", done.err);
    }
    let hint = bare(&["token", "--client-secret", "hush", "--json"]).error()["hint"].to_string();
    for way in ["TOKENWELL_CLIENT_SECRET", "--client-secret-file PATH", "--config"] {
        assert!(hint.contains(way), "{hint}");
    }
}

#[test]
fn a_wrong_file_is_a_config_error_without_its_content() {
    let folder = Folder::new();
    let broken = folder.write("broken.toml", "client_secret = \"hush\nclient_id = 3");
    let unknown = folder.write("unknown.toml", "client_sceret = \"hush\"");
    for (path, code) in
        [(broken.as_str(), "config_file_invalid"), (&unknown, "option_unknown"), ("/no/such", "config_file_unreadable")]
    {
        let done = bare(&["token", "--json", "--config", path]);
        assert_eq!((done.code, &done.error()["code"]), (2, &json!(code)));
        assert!(!done.err.contains("hush"), "{}", done.err);
    }
}

#[test]
fn the_environment_is_read_as_the_library_reads_it() {
    let realm = Realm::root();
    let mut command = with(&realm, &["token", "--json"]);
    let done: Run = command
        .env("TOKENWELL_SCOPE", "a b")
        .env("TOKENWELL_TIMEOUT", " 5 ")
        .env("TOKENWELL_AUDIENCE", "https://a.example.com https://b.example.com")
        .env("TOKENWELL_EXTRA_PARAMETERS", r#"{"tenant": "x"}"#)
        .env("TOKENWELL_PROXY", "")
        .output()
        .unwrap()
        .into();
    assert_eq!(scope(&done), "a b");
    let wrong = with(&realm, &["token", "--json"]).env("TOKENWELL_TIMEOUT", "soon").output().unwrap().into();
    assert!(Run::error(&wrong)["message"].as_str().unwrap().starts_with("`timeout` must be a number"));
}
