//! Options one by one, for Rust.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::config::{Config, OptionMap};
use crate::error::Error;
use crate::signer::{ExternalKey, Signer};

/// Collects options; [`ClientBuilder::build`] checks them. The names and defaults are those of the schema.
#[derive(Clone, Default)]
pub struct ClientBuilder {
    options: OptionMap,
    signer: Option<Arc<dyn Signer>>,
}

macro_rules! text_options {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(self, $name: impl Into<String>) -> ClientBuilder {
            self.set(stringify!($name), Value::String($name.into()))
        }
    )*};
}

macro_rules! list_options {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name<T: Into<String>>(self, $name: impl IntoIterator<Item = T>) -> ClientBuilder {
            self.set(stringify!($name), $name.into_iter().map(Into::into).collect::<Vec<String>>().into())
        }
    )*};
}

macro_rules! duration_options {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(self, $name: Duration) -> ClientBuilder {
            self.set(stringify!($name), $name.as_secs_f64().into())
        }
    )*};
}

impl ClientBuilder {
    text_options! {
        /// Issuer identifier (RFC 8414 section 2): the token endpoint is read from its metadata.
        issuer
        /// URL of the token endpoint (RFC 6749 section 3.2).
        token_endpoint
        /// URL of the revocation endpoint (RFC 7009). Default: what the issuer's metadata names.
        revocation_endpoint
        /// URL of the introspection endpoint (RFC 7662). Default: what the issuer's metadata names.
        introspection_endpoint
        /// Name of a provider profile, e.g. `entra`.
        provider
        /// Client identifier (RFC 6749 section 2.2).
        client_id
        /// Client secret (RFC 6749 section 2.3.1).
        client_secret
        /// Private key for `private_key_jwt`: PEM or JWK. A certificate of it in the PEM is named in `x5t#S256`.
        private_key
        /// The private key of DPoP proofs: PEM or JWK. Default: a new key for each client.
        dpop_key
        /// `kid` of the assertion's header.
        private_key_id
        /// `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA`; `HS256` with a secret.
        token_endpoint_auth_signing_alg
        /// What the token is asked for with: `client_credentials` (the default), jwt-bearer, token-exchange or another name.
        grant_type
        /// `sub` of the grant that is signed for jwt-bearer (RFC 7523 section 3). Default: the client.
        assertion_subject
        /// The token to exchange (RFC 8693 section 2.1).
        subject_token
        /// What the subject token is. Default: `urn:ietf:params:oauth:token-type:access_token`.
        subject_token_type
        /// The token of the one who acts for the subject (RFC 8693 section 2.1).
        actor_token
        /// What the actor token is. Default: `urn:ietf:params:oauth:token-type:access_token`.
        actor_token_type
        /// `aud` of the assertion. Default: the issuer.
        assertion_audience
        /// `typ` of the assertion's header. Default: `client-authentication+jwt`.
        assertion_type_header
        /// `client_secret_basic` (the default with a secret), `client_secret_post`, `client_secret_jwt`, `private_key_jwt` (the
        /// default with a key), `tls_client_auth` (the default with a certificate alone), `self_signed_tls_client_auth` or `none`.
        token_endpoint_auth_method
        /// `form` (the default) or `raw`.
        basic_encoding
        /// Client certificate, PEM, its chain behind it (RFC 8705).
        tls_client_certificate
        /// Private key of the client certificate, PEM.
        tls_client_key
        /// URL of an HTTP proxy.
        proxy
        /// Scope, words joined by a space (RFC 6749 section 3.3).
        scope
        /// `memory` (the default), `none`, or `file` for the user's cache folder.
        cache
        /// Seals what is kept in a shared store. Default: derived from the client's credential.
        cache_key
    }

    list_options! {
        /// Audiences of the token.
        audience
        /// Resource indicators (RFC 8707).
        resource
    }

    duration_options! {
        /// How long a connection may take. Default: 5 s.
        connect_timeout
        /// How long a call may take in all. Default: 10 s.
        timeout
        /// How long before expiry a token is no longer handed out without asking.
        leeway
        /// The lifetime of a token whose answer names none. Default: 300 s.
        default_lifetime
    }

    /// Reads the client secret from this file at each token request. One line end at its end does not count.
    #[must_use]
    pub fn client_secret_file(self, path: impl AsRef<Path>) -> ClientBuilder {
        self.set("client_secret", json!({"file": path.as_ref().to_string_lossy()}))
    }

    /// Reads the private key from this file at each token request.
    #[must_use]
    pub fn private_key_file(self, path: impl AsRef<Path>) -> ClientBuilder {
        self.set("private_key", json!({"file": path.as_ref().to_string_lossy()}))
    }

    /// Authenticates by `private_key_jwt` with a key that lies elsewhere, in an HSM or a key management service: it signs.
    #[must_use]
    pub fn signer(self, signer: impl Signer + 'static) -> ClientBuilder {
        ClientBuilder { signer: Some(Arc::new(signer)), ..self }
    }

    /// Reads a ready assertion from this file at each token request (workload identity federation).
    #[must_use]
    pub fn client_assertion_file(self, path: impl AsRef<Path>) -> ClientBuilder {
        self.set("client_assertion", json!({"file": path.as_ref().to_string_lossy()}))
    }

    /// Binds tokens to a key (RFC 9449): `true`, or the algorithm of the proofs, e.g. `"ES384"`. Default: `false`.
    #[must_use]
    pub fn dpop(self, dpop: impl Into<Value>) -> ClientBuilder {
        self.set("dpop", dpop.into())
    }

    /// Reads the private key of the proofs from this file, once.
    #[must_use]
    pub fn dpop_key_file(self, path: impl AsRef<Path>) -> ClientBuilder {
        self.set("dpop_key", json!({"file": path.as_ref().to_string_lossy()}))
    }

    /// Reads the client certificate and its key from these files at each token request (RFC 8705).
    #[must_use]
    pub fn tls_client_files(self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> ClientBuilder {
        self.set("tls_client_certificate", json!({"file": certificate.as_ref().to_string_lossy()}))
            .set("tls_client_key", json!({"file": key.as_ref().to_string_lossy()}))
    }

    /// Keeps tokens in files of this folder, for all processes of this user.
    #[must_use]
    pub fn cache_file(self, folder: impl AsRef<Path>) -> ClientBuilder {
        self.set("cache", json!({"file": folder.as_ref().to_string_lossy()}))
    }

    /// The same for all users of the folder's group. The folder must be there, with a mode such as 2770.
    #[must_use]
    pub fn cache_group_file(self, folder: impl AsRef<Path>) -> ClientBuilder {
        self.set("cache", json!({"file": folder.as_ref().to_string_lossy(), "group": true}))
    }

    /// PEM file of the certificate authorities to trust instead of the operating system's.
    #[must_use]
    pub fn tls_ca_file(self, path: impl AsRef<Path>) -> ClientBuilder {
        self.set("tls_ca_file", Value::String(path.as_ref().to_string_lossy().into_owned()))
    }

    /// Reads the token to exchange from this file at each token request (RFC 8693).
    #[must_use]
    pub fn subject_token_file(self, path: impl AsRef<Path>) -> ClientBuilder {
        self.set("subject_token", json!({"file": path.as_ref().to_string_lossy()}))
    }

    /// Authorization details (RFC 9396): objects that each have a type.
    #[must_use]
    pub fn authorization_details(self, details: Vec<Value>) -> ClientBuilder {
        self.set("authorization_details", details.into())
    }

    /// Additional parameters of the token request.
    #[must_use]
    pub fn extra_parameters(self, parameters: BTreeMap<String, String>) -> ClientBuilder {
        self.set("extra_parameters", parameters.into_iter().collect())
    }

    /// Fraction of the lifetime after which a token is refreshed in the background. Default: 0.75.
    #[must_use]
    pub fn refresh_at(self, fraction: f64) -> ClientBuilder {
        self.set("refresh_at", fraction.into())
    }

    /// Whether an answer with less than the scope that was asked for is an error (RFC 6749 section 3.3). Default: false, it is shown.
    #[must_use]
    pub fn require_scope(self, required: bool) -> ClientBuilder {
        self.set("require_scope", required.into())
    }

    /// Whether a file with a secret that every user of the machine can read is an error. Default: false, it is warned of.
    #[must_use]
    pub fn require_private_files(self, required: bool) -> ClientBuilder {
        self.set("require_private_files", required.into())
    }

    /// Checks the options and makes the client.
    ///
    /// # Errors
    /// `ConfigError`: an option is missing, wrong or in conflict with another.
    pub fn build(self) -> Result<Client, Error> {
        let signer = self.signer.map(ExternalKey::new).transpose()?;
        Client::new(Config::with_signer(Value::Object(self.options), signer)?)
    }

    fn set(mut self, name: &str, value: Value) -> ClientBuilder {
        self.options.insert(name.to_owned(), value);
        self
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.options.keys()).finish()
    }
}
