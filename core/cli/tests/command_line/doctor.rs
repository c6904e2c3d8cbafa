//! `doctor`: what it finds, and what it says to do.

use serde_json::{Value, json};

use crate::support::{Realm, Run, bare, program, run, with};

/// Status and text of a step.
fn step<'a>(report: &'a Value, name: &str) -> (&'a str, String) {
    let found = report["steps"].as_array().unwrap().iter().find(|step| step["step"] == name).unwrap();
    (found["status"].as_str().unwrap(), format!("{} {}", found["detail"], found["fix"]))
}

/// The step that failed must be this one, with a remedy that holds `fix`; those before are fine, those behind not reached.
fn fails(done: &Run, name: &str, code: &str, fix: &str) {
    let report = done.json();
    assert_eq!((&report["ok"], &report["error"]["code"]), (&json!(false), &json!(code)), "{report:#}");
    let (status, text) = step(&report, name);
    assert!(status == "failed" && text.contains(fix), "{report:#}");
    let statuses: Vec<&str> =
        report["steps"].as_array().unwrap().iter().filter_map(|step| step["status"].as_str()).collect();
    let failed = statuses.iter().position(|status| *status == "failed").unwrap();
    assert!(statuses[..failed].iter().all(|status| ["ok", "skipped", "warning"].contains(status)), "{report:#}");
    assert!(statuses[failed + 1..].iter().all(|status| *status == "skipped"), "{report:#}");
    assert_eq!(statuses.len(), 9);
}

#[test]
fn all_is_well() {
    let realm = Realm::root();
    let done = run(&realm, &["doctor", "--scope", "read"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
    assert!(done.out.ends_with("a token can be had\n") && !done.out.contains(realm["client_secret"].as_str().unwrap()));
    let report = run(&realm, &["doctor", "--json"]).json();
    assert_eq!(report["ok"], true);
    for (name, status) in
        [("configuration", "ok"), ("connection", "ok"), ("tls", "skipped"), ("clock", "ok"), ("authentication", "ok")]
    {
        assert_eq!(step(&report, name).0, status, "{report:#}");
    }
}

#[test]
fn an_issuer_over_https() {
    let realm = Realm::root();
    let info = realm.info();
    let args = ["doctor", "--json", "--issuer", &info.https_issuer, "--tls-ca-file", &info.ca_file];
    let report = with(&realm, &args).env_remove("TOKENWELL_TOKEN_ENDPOINT").output().map(Run::from).unwrap().json();
    for name in ["dns", "tls", "discovery", "clock", "authentication"] {
        assert_eq!(step(&report, name).0, "ok", "{name}: {report:#}");
    }
}

#[test]
fn a_variable_of_no_option_is_shown() {
    let realm = Realm::root();
    let found = |name: &str| {
        let run = with(&realm, &["doctor", "--json"]).env(name, "3").output().map(Run::from).unwrap();
        let report = run.json();
        let (status, text) = step(&report, "configuration");
        format!("{status} {text}")
    };
    assert!(found("TOKENWELL_TIMOUT").starts_with("warning"));
    assert!(found("TOKENWELL_TIMOUT").contains("did you mean TOKENWELL_TIMEOUT?"));
    assert!(found("TOKENWELL_SCOPE_FILE").contains("TOKENWELL_SCOPE_FILE is the variable of no option"));
    for name in ["TOKENWELL_TIMEOUT", "TOKENWELL_DEV_SERVER", "TOKENWELL_LIBRARY"] {
        assert!(found(name).starts_with("ok"), "{name}");
    }
    let mut command = with(&realm, &["doctor", "--json"]);
    let done = command.env_remove("TOKENWELL_TOKEN_ENDPOINT").env("TOKENWELL_TOKEN_URL", "x").output();
    fails(
        &done.map(Run::from).unwrap(),
        "configuration",
        "option_missing",
        "TOKENWELL_TOKEN_URL is the variable of no",
    );
}

#[test]
fn a_bad_host() {
    let done = run(&Realm::root(), &["doctor", "--json", "--token-endpoint", "https://no-such-host.invalid/token"]);
    assert_eq!(done.code, 4);
    fails(&done, "dns", "dns", "check the host name");
}

#[test]
fn a_closed_port() {
    let done = run(&Realm::root(), &["doctor", "--json", "--token-endpoint", "http://127.0.0.1:1/token"]);
    assert_eq!(done.code, 4);
    fails(&done, "connection", "connect", "check host and port");
}

#[test]
fn an_unknown_authority() {
    let realm = Realm::root();
    let done = run(&realm, &["doctor", "--json", "--token-endpoint", &realm.info().https_token_endpoint]);
    assert_eq!(done.code, 4);
    fails(&done, "tls", "tls_unknown_issuer", "tls_ca_file");
}

#[test]
fn s30_a_wrong_secret() {
    let done = with(&Realm::root(), &["doctor", "--json"])
        .env("TOKENWELL_CLIENT_SECRET", "hush-hush")
        .output()
        .unwrap()
        .into();
    assert_eq!(Run::json(&done)["error"]["kind"], "ServerError");
    fails(&done, "authentication", "invalid_client", "client_secret");
    assert!(done.code == 5 && !format!("{done:?}").contains("hush-hush"));
}

#[test]
fn an_http_endpoint() {
    let done = run(&Realm::root(), &["doctor", "--json", "--token-endpoint", "http://login.example.com/token"]);
    assert_eq!(done.code, 2);
    fails(&done, "configuration", "insecure_endpoint", "https://");
}

#[test]
fn nothing_configured_and_a_missing_secret_file() {
    let done = bare(&["doctor", "--json"]);
    assert_eq!(done.code, 2);
    fails(&done, "configuration", "option_missing", "TOKENWELL_CLIENT_ID");
    let done = run(&Realm::root(), &["doctor", "--json", "--client-secret-file", "/no/such/file"]);
    assert_eq!(done.code, 3);
    fails(&done, "secret", "secret_file_unreadable", "");
}

#[test]
fn an_issuer_without_metadata() {
    let realm = Realm::root();
    let info = realm.info();
    let args =
        ["doctor", "--json", "--issuer", &format!("{}/nobody", info.https_issuer), "--tls-ca-file", &info.ca_file];
    let mut command = program(&args);
    let done = command.env("TOKENWELL_CLIENT_ID", "a").env("TOKENWELL_CLIENT_SECRET", "b").output().unwrap().into();
    fails(&done, "discovery", "metadata_missing", "issuer");
}

#[test]
fn clocks_that_differ_and_a_scope_that_was_not_granted_are_warnings() {
    let report = run(&Realm::new(&json!({"clock_offset": 300})), &["doctor", "--json"]).json();
    let (status, text) = step(&report, "clock");
    assert!(status == "warning" && text.contains("s ahead of") && text.contains("NTP"), "{report:#}");
    let narrow = Realm::new(&json!({"script": [{"issue": {"scope": "read"}}]}));
    let done = run(&narrow, &["doctor", "--json", "--scope", "read write"]);
    let report = done.json();
    let (status, text) = step(&report, "authentication");
    assert!(done.code == 0 && status == "warning" && text.contains("scope write"), "{done:?}");
}

#[test]
fn a_scope_that_nobody_asked_for_is_no_finding() {
    let generous = Realm::new(&json!({"script": [{"issue": {"scope": "read"}}]}));
    let report = run(&generous, &["doctor", "--json"]).json();
    assert_eq!(step(&report, "authentication").0, "ok", "{report:#}");
}

#[test]
fn a_report_for_people_names_step_and_remedy() {
    let done = run(&Realm::root(), &["doctor", "--client-id", "nobody"]);
    assert!(done.code == 5 && done.err.is_empty());
    assert!(
        done.out.contains("FAILED   authentication  ServerError (invalid_client)")
            && done.out.contains("what to do: check `client_id`")
    );
}

#[test]
fn a_shared_store() {
    let realm = Realm::root();
    let folder = std::env::temp_dir().join(format!("tokenwell-doctor-{}", std::process::id()));
    let store = folder.join("store");
    let finds = |cache: &Value| {
        let mut program = with(&realm, &["doctor", "--json"]);
        let done = program.env("TOKENWELL_CACHE", cache.to_string()).output().map(Run::from).unwrap();
        assert_eq!(done.code, 0, "a token can be had: {done:?}");
        let report = done.json();
        let (status, text) = step(&report, "store");
        (status.to_owned(), text)
    };
    assert_eq!(step(&run(&realm, &["doctor", "--json"]).json(), "store").0, "skipped");
    let (status, text) = finds(&json!({"file": store}));
    assert_eq!(status, "ok", "{text}");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(&store, mode).unwrap();
        for (cache, fix) in
            [(json!({"file": store}), "chmod 700"), (json!({"file": store, "group": true}), "chmod 2770")]
        {
            let (status, text) = finds(&cache);
            assert!(status == "warning" && text.contains(fix), "{text}");
        }
    }
    let (status, text) = finds(&json!({"redis": "redis://user:hush-hush@127.0.0.1:1"}));
    assert!(status == "warning" && text.contains("see that Redis runs") && !text.contains("hush"), "{text}");
    let _ = std::fs::remove_dir_all(&folder);
}
