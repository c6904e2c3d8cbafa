//! Client authentication by a certificate, and tokens that are bound to it (RFC 8705).

use std::io;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use crate::client_auth::AuthMethod;
use crate::dn;
use crate::http::Peer;
use crate::jose::{sha256, spki};
use crate::realm::Realm;

/// Takes any certificate whose key the client has: which one is good, is for the realm to say.
#[derive(Debug)]
pub(crate) struct AnyCertificate {
    mandatory: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyCertificate {
    pub(crate) fn new(mandatory: bool) -> Arc<AnyCertificate> {
        let algorithms = default_provider().signature_verification_algorithms;
        Arc::new(AnyCertificate { mandatory, algorithms })
    }
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What checks that a client's certificate is from this authority.
pub(crate) fn chain_verifier(ca: &CertificateDer<'static>) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone()).map_err(io::Error::other)?;
    let provider = Arc::new(default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(io::Error::other)
}

/// Whether the client authenticates by a certificate, where it shows one or can do nothing else.
pub(crate) fn applies(realm: &Realm, peer: &Peer) -> bool {
    let methods = &realm.settings.auth_methods;
    let allowed = methods.iter().any(|method| method.is_tls());
    allowed && (!peer.certificates.is_empty() || !methods.contains(&AuthMethod::None))
}

/// Checks the certificate of the connection; the reason where it is refused.
pub(crate) fn check(realm: &Realm, id: &str, peer: &Peer) -> Result<(), &'static str> {
    let (certificate, chain) = peer.certificates.split_first().ok_or("there is no client certificate")?;
    if id != realm.settings.client_id {
        return Err("the client is not known");
    }
    let methods = &realm.settings.auth_methods;
    let mut outcome = Err("no certificate is allowed for this client");
    if methods.contains(&AuthMethod::Tls) {
        outcome = check_subject(realm, certificate, chain);
    }
    if outcome.is_err() && methods.contains(&AuthMethod::SelfSignedTls) {
        outcome = check_registered(realm, certificate);
    }
    outcome
}

fn check_subject(
    realm: &Realm,
    certificate: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
) -> Result<(), &'static str> {
    let trusted = realm.client_chain.verify_client_cert(certificate, chain, UnixTime::now());
    trusted.map_err(|_| "the client certificate is not good, or not from an authority that is trusted here")?;
    let subject = spki::certificate_parts(certificate).and_then(|parts| dn::text(parts.subject));
    if subject.is_none() || subject != realm.settings.tls_client_auth_subject_dn {
        return Err("the subject of the client certificate is not tls_client_auth_subject_dn");
    }
    Ok(())
}

fn check_registered(realm: &Realm, certificate: &CertificateDer<'_>) -> Result<(), &'static str> {
    let thumbprint = Some(sha256(certificate));
    let of_key = realm.client_keys.iter().any(|key| key.x5t == thumbprint);
    let known = of_key || realm.client_certificate.as_ref().is_some_and(|known| known == certificate);
    if known { Ok(()) } else { Err("the client certificate is not the registered one") }
}

/// The thumbprint of the connection's certificate, to which a token is bound.
pub(crate) fn thumbprint(peer: &Peer) -> Option<String> {
    peer.certificates.first().map(sha256)
}
