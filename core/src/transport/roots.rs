//! The authorities of the operating system, or those that SSL_CERT_FILE and SSL_CERT_DIR name: read when a server's certificate
//! is there to be checked, and no more of them than it needs.
//!
//! Systems have them twice, in one file and as a directory of files that takes five times as long to read. The file comes
//! first; only if it does not do, the directory is read too. Each verdict is webpki's.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

/// `None`: not one authority was found.
type Verifier = Option<Arc<WebPkiServerVerifier>>;

/// Checks a server's certificate against the system's authorities.
#[derive(Debug)]
pub(crate) struct SystemRoots {
    provider: Arc<CryptoProvider>,
    bundle: OnceLock<Verifier>,
    all: OnceLock<Verifier>,
}

impl SystemRoots {
    pub(crate) fn new() -> SystemRoots {
        SystemRoots { provider: super::tls::provider(), bundle: OnceLock::new(), all: OnceLock::new() }
    }

    fn bundle(&self) -> &Verifier {
        self.bundle.get_or_init(|| self.verifier(load_certs_from_paths(bundle_path().as_deref(), None)))
    }

    fn all(&self) -> &Verifier {
        self.all.get_or_init(|| self.verifier(load_native_certs()))
    }

    /// What cannot be read or parsed is left out, as everywhere: one broken certificate must not cost all others.
    fn verifier(&self, found: CertificateResult) -> Verifier {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone()).build().ok()
    }
}

/// The file that has all authorities, where there is one.
fn bundle_path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("SSL_CERT_FILE") {
        return Some(path.into());
    }
    // Named alone, the directory is all there is to be trusted.
    if std::env::var_os("SSL_CERT_DIR").is_some() {
        return None;
    }
    #[cfg(all(unix, not(target_os = "macos")))]
    return openssl_probe::probe().cert_file;
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    return None;
}

impl ServerCertVerifier for SystemRoots {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = |verifier: &Verifier| match verifier {
            Some(verifier) => verifier.verify_server_cert(certificate, intermediates, name, ocsp, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        verdict(self.bundle()).or_else(|_| verdict(self.all()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
