//! What a connection trusts: versions of TLS, roots, certificates.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::sign::SingleCertAndKey;

use super::roots::Authorities;
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
    system: &Arc<Authorities>,
    certificate: Option<&ClientCertificate>,
) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|_| unusable("TLS"))?;
    let authorities = match ca_file {
        Some(path) => Arc::new(Authorities::new(Some(path.to_owned()))),
        None => system.clone(),
    };
    // "Dangerous" is any verifier but rustls' own; this one asks webpki as that does.
    let builder = builder.dangerous().with_custom_certificate_verifier(authorities);
    Ok(match certificate {
        Some(certificate) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certificate.for_tls()))),
        None => builder.with_no_client_auth(),
    })
}

/// Size and time of a file: another version of it differs in one of the two.
pub(crate) type Version = (u64, SystemTime);

pub(crate) fn version(path: &Path) -> Option<Version> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}
