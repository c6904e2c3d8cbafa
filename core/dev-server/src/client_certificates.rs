//! Certificates that tests give to their clients.

use std::io;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use serde_json::{Map, Value};

use crate::dn;
use crate::files::TempDir;
use crate::jose::spki;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The variables with a certificate of this authority, with a self-signed one of the same name, and with a key of neither.
pub(crate) fn vars(ca: &CertifiedIssuer<'_, KeyPair>, files: &TempDir) -> io::Result<Map<String, Value>> {
    let key = || KeyPair::generate().map_err(io::Error::other);
    let (client_key, self_signed_key, other_key) = (key()?, key()?, key()?);
    let params = params()?;
    let client = params.signed_by(&client_key, ca).map_err(io::Error::other)?;
    let self_signed = params.self_signed(&self_signed_key).map_err(io::Error::other)?;
    let subject = spki::certificate_parts(client.der()).and_then(|parts| dn::text(parts.subject));
    let path = |name: &str, text: &str| files.write(name, text).map(|path| path.to_string_lossy().into_owned());
    let vars = [
        ("tls_client_certificate", client.pem()),
        ("tls_client_key", client_key.serialize_pem()),
        ("tls_client_certificate_file", path("client.pem", &client.pem())?),
        ("tls_client_key_file", path("client-key.pem", &client_key.serialize_pem())?),
        ("tls_client_auth_subject_dn", subject.unwrap_or_default()),
        ("tls_self_signed_certificate", self_signed.pem()),
        ("tls_self_signed_key", self_signed_key.serialize_pem()),
        ("tls_other_key", other_key.serialize_pem()),
    ];
    Ok(vars.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

fn params() -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
    let now = SystemTime::now();
    (params.not_before, params.not_after) = ((now - DAY).into(), (now + 365 * DAY).into());
    let mut name = DistinguishedName::new();
    // A comma, which the text of the name must escape.
    name.push(DnType::OrganizationName, "Tokenwell, Testing");
    name.push(DnType::CommonName, "tokenwell-test-client");
    params.distinguished_name = name;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}
