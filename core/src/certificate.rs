//! A client certificate with its key: for connections (RFC 8705), and to name the key that signs (RFC 7515 section 4.1.8).

use std::sync::Arc;

use ring::digest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;

use crate::error::Error;
use crate::key::{PrivateKey, base64url};

/// A certificate, its chain and its key.
#[derive(Clone)]
pub(crate) struct ClientCertificate {
    key: Arc<CertifiedKey>,
    thumbprint: [u8; 32],
}

impl ClientCertificate {
    /// A chain, the client's own certificate first, and its key.
    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key: &PrivateKey) -> Result<ClientCertificate, Error> {
        let mut context = digest::Context::new(&digest::SHA256);
        chain.iter().for_each(|certificate| context.update(digest::digest(&digest::SHA256, certificate).as_ref()));
        let mut thumbprint = [0; 32];
        thumbprint.copy_from_slice(context.finish().as_ref());
        let key = CertifiedKey::new(chain, key.for_tls());
        if key.keys_match().is_err() {
            let message =
                "`tls_client_key` is not the key of `tls_client_certificate`: give the pair that was issued together";
            return Err(Error::config("option_invalid", message));
        }
        Ok(ClientCertificate { key: Arc::new(key), thumbprint })
    }

    /// Tells its chain from another; the key belongs to its first certificate.
    pub(crate) fn thumbprint(&self) -> [u8; 32] {
        self.thumbprint
    }

    pub(crate) fn for_tls(&self) -> Arc<CertifiedKey> {
        self.key.clone()
    }
}

/// Reads PEM: the client's own certificate first, those that lead to its authority behind it.
pub(crate) fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |why| Error::config("option_invalid", format!("`tls_client_certificate` {why}"));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.map_err(|_| unusable("is not PEM that can be read"))?;
    let first = chain.first().ok_or_else(|| unusable("has no certificate: give PEM (BEGIN CERTIFICATE)"))?;
    ParsedCertificate::try_from(first)
        .map_err(|_| unusable("is not a certificate that can be used (X.509, version 3)"))?;
    Ok(chain)
}

/// `x5t#S256` (RFC 7515 section 4.1.8, RFC 8705 section 3.1).
pub(crate) fn thumbprint(certificate: &CertificateDer<'_>) -> String {
    base64url(digest::digest(&digest::SHA256, certificate))
}

/// `x5t#S256` of the key's own certificate, where the key's PEM holds certificates too, in whatever order.
pub(crate) fn thumbprint_beside(pem: &str, key: &PrivateKey) -> Result<Option<String>, Error> {
    let unusable = |why| Error::config("option_invalid", format!("`private_key` {why}"));
    // A JWK gives none.
    let beside: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let beside = beside.map_err(|_| unusable("has a certificate that cannot be read: give it as PEM"))?;
    let is_own = |der: &&CertificateDer<'static>| {
        CertifiedKey::new(vec![CertificateDer::clone(der)], key.for_tls()).keys_match().is_ok()
    };
    match beside.iter().find(is_own) {
        Some(own) => Ok(Some(thumbprint(own))),
        None if beside.is_empty() => Ok(None),
        None => Err(unusable("is not the key of the certificate beside it: give the two that were made together")),
    }
}
