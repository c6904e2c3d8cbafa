//! The schema file is generated from the options and must not drift from them. `UPDATE_SCHEMA=1` writes it anew.

use std::path::Path;

use tokenwell::Config;

#[test]
fn the_schema_file_is_what_the_options_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/config.schema.json");
    let schema = format!("{:#}\n", Config::schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(schema == written, "schema/config.schema.json is old: run `UPDATE_SCHEMA=1 cargo test --test schema`");
}

#[test]
fn every_option_of_the_schema_is_known_to_the_errors_and_the_environment() {
    let schema = Config::schema();
    for name in schema["properties"].as_object().unwrap().keys() {
        let error = Config::from_json(format!(r#"{{"{name}": [[]]}}"#).as_bytes()).unwrap_err();
        assert_eq!(error.code(), "option_invalid", "{name}");
        assert!(error.message().starts_with(&format!("`{name}` must be ")), "{name}: {error}");
    }
}
