//! A secret from the Credential Manager of Windows, written by another program's means.

#![cfg(windows)]

use keyring_core::api::CredentialStoreApi;
use serde_json::json;
use tokenwell::{Client, Config};
use tokenwell_dev_server::{DevServer, Options};
use windows_native_keyring_store::Store;

#[test]
fn f28_the_credential_manager_is_read_for_each_fetch() {
    let server = DevServer::start(Options::default()).unwrap();
    let info = server.info();
    let service = format!("tokenwell-{}", std::process::id());
    // For this session alone, so that nothing stays behind.
    let session = [("persistence", "Session")].into();
    let credential = Store::new().unwrap().build(&service, "reports", Some(&session)).unwrap();
    let options = json!({"token_endpoint": info.token_endpoint, "client_id": info.client_id, "cache": "none",
        "client_secret": {"keyring": {"service": service, "account": "reports"}}});
    let client = Client::new(Config::from_value(options).unwrap()).unwrap();

    let error = client.blocking().token().unwrap_err();
    assert!(error.is_secret() && error.code() == "secret_keyring_failed", "{error:?}");
    assert!(error.message().contains("reports of tokenwell-"), "{error}");
    credential.set_password("hush, not this one").unwrap();
    let error = client.blocking().token().unwrap_err();
    assert!(error.code() == "invalid_client" && !format!("{error:?}").contains("hush"), "{error:?}");
    credential.set_secret(b"hu\0").unwrap();
    let error = client.blocking().token().unwrap_err();
    assert!(error.code() == "secret_keyring_failed" && !format!("{error:?}").contains("104"), "{error:?}");
    credential.set_password(&info.client_secret).unwrap();
    assert!(!client.blocking().token().unwrap().is_empty());
    credential.delete_credential().unwrap();
}
