//! The authorities that a server's certificate is checked against: those of `tls_ca_file`, or else the operating system's or those
//! that SSL_CERT_FILE and SSL_CERT_DIR name. They are read when a certificate is there to be checked, and only those are kept
//! that are named in it as issuers: with no other can its chain end. Each verdict is webpki's.
//!
//! Systems have them twice, in one file and as a directory of files that takes five times as long to read. The file comes
//! first; only if it does not do, the directory is read too.

use std::io;
use std::ops::ControlFlow::{self, Break, Continue};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use rustls_native_certs::load_native_certs;
use webpki::{EndEntityCert, anchor_from_trusted_cert};

use super::pem::certificates;
use crate::error::{Error, reason};

/// No bundle of authorities is larger, bytes.
const LONGEST_CA_FILE: u64 = 8 * 1024 * 1024;

/// Checks a server's certificate against authorities.
#[derive(Debug)]
pub(crate) struct Authorities {
    /// `None`: the system's.
    file: Option<PathBuf>,
    provider: Arc<CryptoProvider>,
    /// Those in which a chain has ended.
    known: RwLock<RootCertStore>,
}

impl Authorities {
    pub(crate) fn new(file: Option<PathBuf>) -> Authorities {
        Authorities { file, provider: super::tls::provider(), known: RwLock::new(RootCertStore::empty()) }
    }

    /// Checks with the authorities that are known, and if they do not do with those that bear one of these names.
    fn check(
        &self,
        names: &[&[u8]],
        check: &dyn Fn(&RootCertStore) -> Result<(), rustls::Error>,
    ) -> Result<(), rustls::Error> {
        if check(&self.known.read().unwrap_or_else(PoisonError::into_inner)).is_ok() {
            return Ok(());
        }
        let mut found = match &self.file {
            Some(path) => in_file(path, names).map_err(|error| OtherError(Arc::new(error)))?,
            None => in_bundle(names),
        };
        let mut verdict = check(&found);
        if verdict.is_err() && self.file.is_none() {
            found = in_system(names);
            verdict = check(&found);
        }
        verdict?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        found.roots.retain(|authority| !known.roots.contains(authority));
        known.extend(found.roots);
        Ok(())
    }
}

/// Adds an authority if it bears one of these names.
fn add(found: &mut RootCertStore, names: &[&[u8]], certificate: &CertificateDer<'_>) -> Result<(), webpki::Error> {
    let authority = anchor_from_trusted_cert(certificate)?;
    if names.contains(&authority.subject.as_ref()) {
        found.roots.push(authority.to_owned());
    }
    Ok(())
}

/// Whether a `tls_ca_file` is one: its first certificate can be read. A bundle has hundreds, and not each client needs them.
pub(crate) fn check_file(path: &Path) -> Result<(), Error> {
    read_file(path, &mut |certificate| anchor_from_trusted_cert(certificate).map(|_| Break(())))
}

/// Those of a `tls_ca_file`, which is refused if one of all that it has is broken.
fn in_file(path: &Path, names: &[&[u8]]) -> Result<RootCertStore, Error> {
    let mut found = RootCertStore::empty();
    read_file(path, &mut |certificate| add(&mut found, names, certificate).map(Continue))?;
    Ok(found)
}

/// Reads a `tls_ca_file` until `take` breaks it off. It has a certificate then, and no broken one as far as it was read.
fn read_file(
    path: &Path,
    take: &mut dyn FnMut(&CertificateDer<'_>) -> Result<ControlFlow<()>, webpki::Error>,
) -> Result<(), Error> {
    let mut any = false;
    let about = std::fs::metadata(path);
    let read = about.and_then(|about| {
        if !about.is_file() || about.len() > LONGEST_CA_FILE {
            return Err(io::Error::other("it is not a regular file of at most 8 MiB"));
        }
        certificates(path, |certificate| {
            any = true;
            let broken = |why| Break(Err(io::Error::other(why)));
            let Some(certificate) = certificate else { return broken("it is not PEM") };
            match take(&certificate) {
                Ok(next) => next.map_break(Ok),
                Err(_) => broken("a certificate in it cannot be read"),
            }
        })
    });
    let why = match read {
        Ok(()) if any => return Ok(()),
        Ok(()) => "it has no certificate".to_owned(),
        Err(error) => error.get_ref().map_or_else(|| reason(&error), ToString::to_string),
    };
    let message = format!(
        "`tls_ca_file` {}: {why}: give the path of a readable PEM file with the CA's certificate",
        path.display()
    );
    Err(Error::config("ca_file_unreadable", message))
}

/// Those of the file that has all of the system's. What cannot be read or parsed is left out, as everywhere: one broken certificate
/// must not cost all others.
fn in_bundle(names: &[&[u8]]) -> RootCertStore {
    let mut found = RootCertStore::empty();
    if let Some(path) = bundle_path() {
        let _ = certificates(&path, |certificate| {
            let _ = certificate.map(|certificate| add(&mut found, names, &certificate));
            Continue(())
        });
    }
    found
}

/// Those of the system, wherever it has them.
fn in_system(names: &[&[u8]]) -> RootCertStore {
    let mut found = RootCertStore::empty();
    for certificate in load_native_certs().certs {
        let _ = add(&mut found, names, &certificate);
    }
    found
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

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let server = ParsedCertificate::try_from(certificate)?;
        // webpki passes over an intermediate that it cannot read.
        let chain: Vec<_> = std::iter::once(certificate)
            .chain(intermediates)
            .filter_map(|one| EndEntityCert::try_from(one).ok())
            .collect();
        let names: Vec<_> = chain.iter().map(|one| one.issuer()).collect();
        let algorithms = self.provider.signature_verification_algorithms.all;
        self.check(&names, &|roots| {
            verify_server_cert_signed_by_trust_anchor(&server, roots, intermediates, now, algorithms)
        })?;
        verify_server_name(&server, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
