//! `curl`: the header arrives, and no argument shows it.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Folder, Realm, Run, run, with};

/// Writes what it sees of itself beside it, and ends with code 22.
const FAKE: &str = r#"#!/bin/sh
here=$(dirname "$0")
tr '\0' '\n' < /proc/$$/cmdline > "$here/arguments"
tr '\0' '\n' < /proc/$PPID/cmdline >> "$here/arguments"
env > "$here/environment"
cat > "$here/input"
exit 22
"#;

#[test]
fn s30_the_token_is_in_no_argument() {
    let (realm, folder) = (Realm::root(), Folder::new());
    let fake = folder.write("curl", FAKE);
    std::fs::set_permissions(&fake, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command =
        with(&realm, &["curl", "--scope", "read", "--", "-s", "--json", "{}", "https://api.example.com/"]);
    let done: Run = command.env("PATH", path).output().unwrap().into();
    assert_eq!(done.code, 22, "{done:?}");
    let seen = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (arguments, input) = (seen("arguments"), seen("input"));
    let token = input.strip_prefix("header = \"Authorization: Bearer ").unwrap().trim_end().trim_end_matches('"');
    assert!(token.len() > 10, "{input}");
    assert!(arguments.contains("--config\n-\n-s\n--json\n{}\nhttps://api.example.com/\n"), "{arguments}");
    let secret = realm["client_secret"].as_str().unwrap();
    for text in [&arguments, &seen("environment")] {
        assert!(!text.contains(token) && !text.contains(secret), "{text}");
    }
}

#[test]
fn the_real_one_sends_the_header() {
    let realm = Realm::root();
    let info = realm.info();
    let token = |url: &str| run(&realm, &["curl", "--", "-q", "-s", "-f", "-o", "-", url]);
    let done = token(&format!("{}/resource", info.issuer));
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(token("http://127.0.0.1:1/").code, 7, "curl's own exit code");
}

#[test]
fn what_cannot_work_is_refused_before_a_token_is_asked_for() {
    let realm = Realm::root();
    for args in [
        &["--json", "curl"][..],
        &["--json", "curl", "--", "-d", "@-", "u"],
        &["--json", "curl", "https://api.example.com/"],
    ] {
        let done = run(&realm, args);
        assert_eq!((done.code, done.error()["code"].as_str()), (2, Some("arguments_invalid")), "{args:?}");
    }
    let none = with(&realm, &["--json", "curl", "--", "u"]).env("PATH", "/no/such/folder").output().unwrap().into();
    assert_eq!((Run::error(&none)["code"].as_str(), none.code), (Some("curl_missing"), 1));
}
