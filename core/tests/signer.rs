//! A key that lies elsewhere and signs there: only Rust has it, so it is no scenario.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::json;
use support::realm::Realm;
use tokenwell::{Client, ClientBuilder, ErrorKind, Signer};
use tokenwell_dev_server::{DevServer, Options};

#[allow(dead_code)] // the scenarios need more of it
mod support;

type Signed = Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

type Signing = Box<dyn Fn(&[u8]) -> Signed + Send + Sync>;

/// What a key management service would be: how it signs, what it is called, how often it was asked.
struct Service {
    identity: &'static str,
    signing: Signing,
    asked: Arc<AtomicUsize>,
}

impl Service {
    fn new(identity: &'static str, signing: impl Fn(&[u8]) -> Signed + Send + Sync + 'static) -> Service {
        Service { identity, signing: Box::new(signing), asked: Arc::default() }
    }

    fn of_key(identity: &'static str, pem: &str, der: bool) -> Service {
        let form = if der { &ECDSA_P256_SHA256_ASN1_SIGNING } else { &ECDSA_P256_SHA256_FIXED_SIGNING };
        let bytes = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).expect("PKCS#8");
        let key = EcdsaKeyPair::from_pkcs8(form, bytes.secret_pkcs8_der(), &SystemRandom::new()).expect("P-256");
        Service::new(identity, move |message| {
            Ok(key.sign(&SystemRandom::new(), message).expect("random numbers").as_ref().to_vec())
        })
    }
}

impl Signer for Service {
    fn algorithm(&self) -> &str {
        "ES256"
    }

    fn identity(&self) -> &str {
        self.identity
    }

    fn sign(&self, message: &[u8]) -> Signed {
        self.asked.fetch_add(1, Ordering::Relaxed);
        (self.signing)(message)
    }
}

fn realm(server: &DevServer) -> Realm {
    Realm::new(&server.info().control, &json!({"auth_methods": ["private_key_jwt"], "jwks": "test"}))
}

fn builder(realm: &Realm) -> ClientBuilder {
    let var = |name: &str| realm.vars[name].as_str().expect("a text");
    Client::builder()
        .token_endpoint(var("token_endpoint"))
        .client_id(var("client_id"))
        .assertion_audience(var("issuer"))
}

fn key(realm: &Realm) -> &str {
    realm.vars["ec_private_key"].as_str().expect("a text")
}

#[test]
fn a_server_takes_what_the_signer_signed() {
    let server = DevServer::start(Options::default()).unwrap();
    let realm = realm(&server);
    let service = Service::of_key("one", key(&realm), false);
    let asked = service.asked.clone();
    let client = builder(&realm).private_key_id("test-ec").signer(service).build().unwrap();
    let token = client.blocking().token().unwrap();
    assert_eq!(client.blocking().token().unwrap(), *token);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(realm.log()["requests"][0]["form"]["client_id"], realm.vars["client_id"]);

    // Its identity is a part of whose token it is.
    let same = builder(&realm).private_key_id("test-ec").signer(Service::of_key("one", key(&realm), false));
    assert_eq!(same.build().unwrap().blocking().token().unwrap(), *token);
    let other = builder(&realm).private_key_id("test-ec").signer(Service::of_key("two", key(&realm), false));
    assert_ne!(other.build().unwrap().blocking().token().unwrap(), *token);
    assert_eq!(realm.log()["total"], 2);
}

#[test]
fn a_signature_by_another_key_is_refused() {
    let server = DevServer::start(Options::default()).unwrap();
    let realm = realm(&server);
    let other = DevServer::start(Options::default()).unwrap();
    let other = self::realm(&other);
    let client = builder(&realm).signer(Service::of_key("other", key(&other), false)).build().unwrap();
    assert_eq!(client.blocking().token().unwrap_err().code(), "invalid_client");
}

#[test]
fn what_a_signer_fails_with_is_an_error_without_its_text() {
    let server = DevServer::start(Options::default()).unwrap();
    let realm = realm(&server);
    let services = [
        (Service::new("failing", |_| Err("hush".into())), "gave no signature"),
        (Service::new("panicking", |_| panic!("hush")), "panicked"),
        (Service::of_key("der", key(&realm), true), "not DER"),
    ];
    for (service, why) in services {
        let error = builder(&realm).signer(service).build().unwrap().blocking().token().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Secret, "signer_failed"));
        assert!(error.message().contains(why) && !format!("{error:?} {error}").contains("hush"), "{error}");
    }
    assert_eq!(realm.log()["total"], 0);
}

#[test]
fn a_signer_that_hangs_is_given_up_within_the_timeout() {
    let server = DevServer::start(Options::default()).unwrap();
    let realm = realm(&server);
    let (release, held): (Sender<()>, Receiver<()>) = channel();
    let held = Mutex::new(held);
    let service = Service::new("hanging", move |_| {
        let _ = held.lock().unwrap().recv();
        Err("released".into())
    });
    let client = builder(&realm).signer(service).timeout(Duration::from_millis(200)).build().unwrap();
    assert_eq!(client.blocking().token().unwrap_err().code(), "timeout");
    drop(release);
}

#[test]
fn a_signer_is_the_only_credential_and_has_one_algorithm() {
    let server = DevServer::start(Options::default()).unwrap();
    let realm = realm(&server);
    let signer = || builder(&realm).signer(Service::new("one", |_| Err("unused".into())));
    for (wrong, code, named) in [
        (signer().private_key(key(&realm)), "option_conflict", "`private_key` and `signer`"),
        (signer().client_secret("hush"), "option_conflict", "`client_secret` and `signer`"),
        (signer().token_endpoint_auth_method("none"), "option_conflict", "`signer`"),
        (signer().token_endpoint_auth_signing_alg("RS256"), "option_conflict", "`signer`"),
        (builder(&realm).signer(Service::new("", |_| Err("unused".into()))), "option_invalid", "`signer`"),
    ] {
        let error = wrong.build().unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(named), "{error}");
    }
    assert!(signer().token_endpoint_auth_signing_alg("ES256").build().is_ok());
}
