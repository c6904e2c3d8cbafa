//! Certificates: the good one, and each way in which one can be bad.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::json;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::crypto::ring::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, RootCertStore, StreamOwned,
};

use crate::client::{Realm, Wire, get, split_url, start};

pub type TlsStream = StreamOwned<ClientConnection, TcpStream>;

pub fn connect(url: &str, host: &str, ca_file: &str) -> Result<TlsStream, Error> {
    connect_as(url, host, ca_file, None)
}

/// With this certificate and its key, whether they belong together or not.
pub fn connect_as(url: &str, host: &str, ca_file: &str, identity: Option<[&str; 2]>) -> Result<TlsStream, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some([certificate, key]) => {
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            let key = any_supported_type(&key).unwrap();
            let certified = CertifiedKey::new(vec![certificate], key);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
    };
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let port = split_url(url).0.rsplit_once(':').unwrap().1;
    let tcp = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let mut stream = StreamOwned::new(tls, tcp);
    while stream.conn.is_handshaking() {
        if let Err(error) = stream.conn.complete_io(&mut stream.sock) {
            return Err(*error.into_inner().unwrap().downcast::<Error>().unwrap());
        }
    }
    Ok(stream)
}

#[test]
fn tokens_and_metadata_are_served_over_https() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    for host in ["localhost", "127.0.0.1", "::1"] {
        let url = realm.var("https_token_endpoint");
        let stream = connect(url, host, realm.var("ca_file")).unwrap();
        let mut wire = Wire::new(stream);
        assert_eq!(wire.ask(&realm.token_request()).status, 200, "{host}");
        let path = format!("/.well-known/oauth-authorization-server/r/{}", realm.name);
        let metadata = wire.ask(&get(&path)).json();
        assert_eq!(metadata["issuer"], realm.vars["https_issuer"]);
        assert_eq!(metadata["token_endpoint"], realm.vars["https_token_endpoint"]);
    }
    assert_eq!(realm.report()["total"], 6);
}

#[test]
fn faults_work_over_https() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"fault": "reset"}, {"fault": "close"}]));
    let url = realm.var("https_token_endpoint");
    let open = || connect(url, "localhost", realm.var("ca_file")).unwrap();
    let mut stream = open();
    stream.write_all(realm.token_request().as_bytes()).unwrap();
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let mut stream = open();
    stream.write_all(realm.token_request().as_bytes()).unwrap();
    // An orderly end: with the alert close_notify, or this would be an error.
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn bad_certificates_are_bad_in_one_way_each() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let ca = realm.var("ca_file");
    let fails = |url: &str, ca: &str| match connect(realm.var(url), "localhost", ca) {
        Err(Error::InvalidCertificate(error)) => error,
        other => panic!("{:?}", other.map(drop)),
    };
    let error = fails("https_expired_endpoint", ca);
    assert!(matches!(error, CertificateError::Expired | CertificateError::ExpiredContext { .. }));
    let error = fails("https_wrong_host_endpoint", ca);
    assert!(matches!(error, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }));
    let error = fails("https_token_endpoint", realm.var("other_ca_file"));
    assert_eq!(error, CertificateError::UnknownIssuer);
    assert_eq!(realm.report()["total"], 0);
}

#[test]
fn an_old_server_refuses_the_version() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let url = realm.var("https_tls11_endpoint");
    let error = connect(url, "localhost", realm.var("ca_file")).unwrap_err();
    assert_eq!(error, Error::AlertReceived(AlertDescription::ProtocolVersion));
}
