//! Public keys and certificates in PEM.

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

use super::der::{CONTEXT_0, INTEGER, OID, Reader, SEQUENCE};
use super::jwk::Material;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(crate) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(crate) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The parts of a certificate that count here, each in DER.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) subject: &'a [u8],
    pub(crate) public_key: &'a [u8],
}

/// Takes a certificate apart.
pub(crate) fn certificate_parts(der: &[u8]) -> Option<Parts<'_>> {
    let mut fields = Reader(der).enter(SEQUENCE)?.enter(SEQUENCE)?;
    fields.skip(CONTEXT_0);
    fields.take(INTEGER)?;
    for _algorithm_issuer_validity in 0..3 {
        fields.take(SEQUENCE)?;
    }
    let (_, _, subject) = fields.any()?;
    let (_, _, public_key) = fields.any()?;
    Some(Parts { subject, public_key })
}

/// The first certificate of a PEM text.
pub(crate) fn certificate(pem: &str) -> Result<CertificateDer<'static>, String> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| format!("not a certificate in PEM: {error}"))
}

/// The key of `PUBLIC KEY` or of `CERTIFICATE`.
pub(crate) fn public_key(pem: &str) -> Result<Material, String> {
    if let Ok(key) = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()) {
        return material(&key).ok_or_else(|| "a kind of public key that is not supported".to_owned());
    }
    let certificate = certificate(pem).map_err(|_| "neither PUBLIC KEY nor CERTIFICATE in PEM")?;
    let key = certificate_parts(&certificate).and_then(|parts| material(parts.public_key));
    key.ok_or_else(|| "a certificate with a kind of key that is not supported".to_owned())
}

/// The key of a SubjectPublicKeyInfo.
pub(crate) fn material(spki: &[u8]) -> Option<Material> {
    let mut fields = Reader(spki).enter(SEQUENCE)?;
    let mut algorithm = fields.enter(SEQUENCE)?;
    let bits = fields.bits()?;
    let kind = algorithm.take(OID)?;
    if kind == RSA {
        let mut numbers = Reader(bits).enter(SEQUENCE)?;
        let (n, e) = (numbers.integer()?, numbers.integer()?);
        return Some(Material::Rsa { n: n.to_vec(), e: e.to_vec() });
    }
    if kind == ED25519 {
        return Some(Material::Ed25519(bits.to_vec()));
    }
    match (kind, algorithm.take(OID)?) {
        (EC, P256) => Some(Material::P256(bits.to_vec())),
        (EC, P384) => Some(Material::P384(bits.to_vec())),
        _ => None,
    }
}
