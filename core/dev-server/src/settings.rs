//! What a realm is made of: the member `server` of a scenario.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::access_token::Format;
use crate::client_auth::{AuthMethod, BasicEncoding};
use crate::dpop::Mode;
use crate::grants::{CLIENT_CREDENTIALS, JWT_BEARER};
use crate::jose::jwk::Key;
use crate::jose::spki;
use crate::realm::random_text;
use crate::test_keys::TestKeys;

/// The settings of a realm, as the control interface takes them.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) auth_methods: Vec<AuthMethod>,
    pub(crate) basic_encoding: BasicEncoding,
    pub(crate) script: Value,
    pub(crate) metadata_script: Value,
    pub(crate) expires_in: u64,
    pub(crate) access_token_format: Format,
    /// The subject of the client's certificate as in RFC 4514, for `tls_client_auth`.
    pub(crate) tls_client_auth_subject_dn: Option<String>,
    /// The certificate for `self_signed_tls_client_auth`, in PEM.
    client_certificate: Option<String>,
    pub(crate) grant_types: Vec<String>,
    pub(crate) dpop: Mode,
    /// Whether proofs need a nonce.
    pub(crate) dpop_nonce: bool,
    /// The scope that a token needs at the resource, words with a space between them.
    pub(crate) resource_scope: Option<String>,
    /// How far the realm's clock is ahead at first, in seconds.
    pub(crate) clock_offset: f64,
    jwks: Option<Value>,
    client_public_key: Option<String>,
    pub(crate) token_endpoint_auth_signing_alg: Option<String>,
    /// The audience of client assertions, in the place of the issuer.
    pub(crate) assertion_audience: Option<String>,
    /// The header `typ` of client assertions; `None` takes any.
    pub(crate) assertion_type: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            client_id: format!("client-{}", random_text(6)),
            client_secret: random_text(24),
            auth_methods: vec![AuthMethod::Basic, AuthMethod::Post],
            basic_encoding: BasicEncoding::Form,
            script: json!([]),
            metadata_script: json!([]),
            expires_in: 3600,
            access_token_format: Format::Opaque,
            tls_client_auth_subject_dn: None,
            client_certificate: None,
            grant_types: vec![CLIENT_CREDENTIALS.to_owned()],
            dpop: Mode::Off,
            dpop_nonce: false,
            resource_scope: None,
            clock_offset: 0.0,
            jwks: None,
            client_public_key: None,
            token_endpoint_auth_signing_alg: None,
            assertion_audience: None,
            assertion_type: Some("client-authentication+jwt".to_owned()),
        }
    }
}

impl Settings {
    /// The client's public keys.
    pub(crate) fn client_keys(&self, test: &TestKeys) -> Result<Vec<Key>, String> {
        let mut keys = match &self.jwks {
            None => Vec::new(),
            Some(Value::String(text)) if text == "test" => test.set.clone(),
            Some(set) => Key::from_set(set).map_err(|problem| format!("jwks: {problem}"))?,
        };
        if let Some(pem) = &self.client_public_key {
            keys.push(Key::from_pem(pem).map_err(|problem| format!("client_public_key: {problem}"))?);
        }
        if keys.is_empty() && self.auth_methods.contains(&AuthMethod::PrivateKeyJwt) {
            return Err("private_key_jwt needs jwks or client_public_key".to_owned());
        }
        if keys.is_empty() && self.grant_types.iter().any(|name| name == JWT_BEARER) {
            return Err("the grant type jwt-bearer needs jwks or client_public_key".to_owned());
        }
        Ok(keys)
    }

    /// The certificate that the client has registered.
    pub(crate) fn certificate(&self) -> Result<Option<CertificateDer<'static>>, String> {
        let needs = |method: AuthMethod, there: bool| self.auth_methods.contains(&method) && !there;
        if needs(AuthMethod::Tls, self.tls_client_auth_subject_dn.is_some()) {
            return Err("tls_client_auth needs tls_client_auth_subject_dn".to_owned());
        }
        if needs(AuthMethod::SelfSignedTls, self.client_certificate.is_some() || self.jwks.is_some()) {
            return Err("self_signed_tls_client_auth needs client_certificate or jwks".to_owned());
        }
        let certificate = self.client_certificate.as_deref().map(spki::certificate).transpose();
        certificate.map_err(|problem| format!("client_certificate: {problem}"))
    }
}
