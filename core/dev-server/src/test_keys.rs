//! Keys that tests give to their clients: new ones for each server, RSA keys from files.

use std::io;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use serde_json::{Map, Value};
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

use crate::access_token::Signer;
use crate::client_certificates;
use crate::files::TempDir;
use crate::jose::jwk::Key;
use crate::jose::spki::{P256, P384};
use crate::mtls;
use crate::private_key::{self, Forms};
use crate::tls::Tls;

const RSA2048: &str = include_str!("../keys/test-only-rsa2048.pem");
const RSA1024: &str = include_str!("../keys/test-only-rsa1024.pem");
/// Its passphrase is `test`.
const ENCRYPTED: &str = include_str!("../keys/test-only-encrypted.pem");

/// The keys of a server.
#[derive(Debug)]
pub(crate) struct TestKeys {
    /// The private keys in all forms, for the variables of every realm.
    pub(crate) vars: Map<String, Value>,
    /// The public keys, which a realm with `"jwks": "test"` accepts.
    pub(crate) set: Vec<Key>,
    /// The key of the server itself.
    pub(crate) signer: Arc<Signer>,
    /// Says which client certificates are from the server's own authority.
    pub(crate) client_chain: Arc<dyn ClientCertVerifier>,
}

impl TestKeys {
    /// Makes new keys, and the file of one of them.
    pub(crate) fn new(files: &TempDir, tls: &Tls) -> io::Result<TestKeys> {
        let mut keys = TestKeys {
            vars: client_certificates::vars(&tls.ca, files)?,
            set: Vec::new(),
            signer: Arc::new(Signer::new()?),
            client_chain: mtls::chain_verifier(tls.ca.der())?,
        };
        let rsa = PrivatePkcs8KeyDer::from_pem_slice(RSA2048.as_bytes()).map_err(io::Error::other)?;
        keys.add("rsa", private_key::rsa(rsa.secret_pkcs8_der()), "_pkcs1")?;
        let ec = generate(&PKCS_ECDSA_P256_SHA256)?;
        keys.add("ec", private_key::ec(ec.serialized_der(), "P-256", P256), "_sec1")?;
        let ec384 = generate(&PKCS_ECDSA_P384_SHA384)?;
        keys.add("ec384", private_key::ec(ec384.serialized_der(), "P-384", P384), "_sec1")?;
        let ed25519 = generate(&PKCS_ED25519)?;
        keys.add("ed25519", private_key::ed25519(ed25519.serialized_der(), ed25519.public_key_raw()), "")?;
        let certificate = certificate(&ec)?;
        if let Some(key) = keys.set.get_mut(1) {
            key.x5t = Key::from_pem(&certificate).map_err(io::Error::other)?.x5t;
        }
        let file = files.write("private-key.pem", &ec.serialize_pem())?;
        for (name, value) in [
            ("ec_certificate", certificate),
            ("ec_public_key", ec.public_key_pem()),
            ("rsa_public_key", KeyPair::from_pem(RSA2048).map_err(io::Error::other)?.public_key_pem()),
            ("rsa1024_private_key", RSA1024.to_owned()),
            ("encrypted_private_key", ENCRYPTED.to_owned()),
            ("private_key_file", file.to_string_lossy().into_owned()),
        ] {
            keys.vars.insert(name.to_owned(), value.into());
        }
        Ok(keys)
    }

    fn add(&mut self, name: &str, forms: Option<Forms>, traditional: &str) -> io::Result<()> {
        let mut forms = forms.ok_or_else(|| io::Error::other(format!("the {name} key cannot be written")))?;
        forms.jwk["kid"] = format!("test-{name}").into();
        let variable = format!("{name}_private_key");
        if !forms.traditional.is_empty() {
            self.vars.insert(format!("{variable}{traditional}"), forms.traditional.into());
        }
        self.vars.insert(format!("{variable}_jwk"), forms.jwk.to_string().into());
        self.vars.insert(variable, forms.pkcs8.into());
        if let Some(members) = forms.jwk.as_object_mut() {
            members.retain(|name, _| ["kty", "crv", "x", "y", "n", "e", "kid"].contains(&name.as_str()));
        }
        self.set.push(Key::from_jwk(&forms.jwk).map_err(io::Error::other)?);
        Ok(())
    }
}

fn generate(algorithm: &'static rcgen::SignatureAlgorithm) -> io::Result<KeyPair> {
    KeyPair::generate_for(algorithm).map_err(io::Error::other)
}

fn certificate(key: &KeyPair) -> io::Result<String> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Tokenwell development key");
    Ok(params.self_signed(key).map_err(io::Error::other)?.pem())
}
