//! What a connection trusts: versions of TLS, roots, certificates.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};

use super::roots::SystemRoots;
use super::unusable;
use crate::certificate::ClientCertificate;
use crate::error::Error;

/// Explicit, since a library installs no default of the process.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// TLS 1.2 and 1.3, name and chain always checked: with the authorities of this file, or else the system's.
pub(crate) fn config(
    ca_file: Option<&Path>,
    system: &Arc<SystemRoots>,
    certificate: Option<&ClientCertificate>,
) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|_| unusable("TLS"))?;
    let builder = match ca_file {
        Some(path) => builder.with_root_certificates(read_ca_file(path)?),
        // "Dangerous" is any verifier but rustls' own; this one asks it.
        None => builder.dangerous().with_custom_certificate_verifier(system.clone()),
    };
    Ok(match certificate {
        Some(certificate) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certificate.for_tls()))),
        None => builder.with_no_client_auth(),
    })
}

/// Size and time of a file: another version of it differs in one of the two.
pub(super) fn version(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// No bundle of authorities is larger, bytes.
const LONGEST_CA_FILE: u64 = 8 * 1024 * 1024;

/// Reads a PEM file of certificate authorities.
pub(crate) fn read_ca_file(path: &Path) -> Result<RootCertStore, Error> {
    let unreadable = |why: String| {
        let message = format!(
            "`tls_ca_file` {}: {why}: give the path of a readable PEM file with the CA's certificate",
            path.display()
        );
        Error::config("ca_file_unreadable", message)
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.kind().to_string()))?;
    if !size.is_file() || size.len() > LONGEST_CA_FILE {
        return Err(unreadable("it is not a regular file of at most 8 MiB".to_owned()));
    }
    let pem = std::fs::read(path).map_err(|error| unreadable(error.kind().to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| unreadable("it is not PEM".to_owned()))?;
        roots.add(certificate).map_err(|_| unreadable("a certificate in it cannot be read".to_owned()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("it has no certificate".to_owned()));
    }
    Ok(roots)
}
