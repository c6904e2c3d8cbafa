//! A private certification authority and the certificates it signs.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

use crate::mtls::AnyCertificate;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What the good certificate is for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The acceptors of a server, and the authorities in PEM.
pub(crate) struct Tls {
    /// Asks for a client certificate, and goes on without one.
    pub(crate) good: TlsAcceptor,
    /// Requires a client certificate.
    pub(crate) mtls: TlsAcceptor,
    pub(crate) expired: TlsAcceptor,
    pub(crate) wrong_host: TlsAcceptor,
    pub(crate) ca: CertifiedIssuer<'static, KeyPair>,
    /// An authority that signed none of these.
    pub(crate) other_ca_pem: String,
}

impl Tls {
    /// Makes new keys and certificates.
    pub(crate) fn new() -> io::Result<Tls> {
        let ca = authority("Tokenwell development CA")?;
        let other = authority("Another development CA")?;
        let now = SystemTime::now();
        let valid = (now - DAY, now + 365 * DAY);
        let nobody = WebPkiClientVerifier::no_client_auth;
        let expired = (now - 30 * DAY, now - DAY);
        Ok(Tls {
            good: acceptor(&ca, &NAMES, valid, AnyCertificate::new(false))?,
            mtls: acceptor(&ca, &NAMES, valid, AnyCertificate::new(true))?,
            expired: acceptor(&ca, &NAMES, expired, nobody())?,
            wrong_host: acceptor(&ca, &["wrong-host.invalid"], valid, nobody())?,
            ca,
            other_ca_pem: other.pem(),
        })
    }
}

fn authority(name: &str) -> io::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = params(&[], name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = SystemTime::now();
    // Longer than the expired certificate's past, or the authority would be what is not valid.
    params.not_before = (now - 60 * DAY).into();
    params.not_after = (now + 3650 * DAY).into();
    let key = KeyPair::generate().map_err(io::Error::other)?;
    CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)
}

fn params(names: &[&str], common_name: &str) -> io::Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

fn acceptor(
    ca: &CertifiedIssuer<'_, KeyPair>,
    names: &[&str],
    (not_before, not_after): (SystemTime, SystemTime),
    clients: Arc<dyn ClientCertVerifier>,
) -> io::Result<TlsAcceptor> {
    let mut params = params(names, names[0])?;
    params.not_before = not_before.into();
    params.not_after = not_after.into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = params.signed_by(&key, ca).map_err(io::Error::other)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
