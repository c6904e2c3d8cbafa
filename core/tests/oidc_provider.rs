//! A token from a certified OpenID provider (npm's `oidc-provider`, started by `make test`), over https with a private CA.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokenwell::{Client, ClientBuilder, ErrorKind};

/// The running provider, as `core/conformance/oidc-provider/server.mjs` describes it.
struct Provider(serde_json::Value);

impl Provider {
    fn running() -> Provider {
        let path = std::env::var_os("TOKENWELL_OIDC")
            .expect("TOKENWELL_OIDC is not set: these tests need a running oidc-provider; `make test` starts one (`make test ONLY=rust`)");
        let text = std::fs::read_to_string(path).expect("TOKENWELL_OIDC names a file that can be read");
        Provider(serde_json::from_str(&text).expect("TOKENWELL_OIDC names a JSON object"))
    }

    fn get(&self, name: &str) -> &str {
        self.0[name].as_str().expect("a text")
    }

    /// The options of the client that is registered for Basic authentication.
    fn client(&self) -> ClientBuilder {
        Client::builder()
            .token_endpoint(self.get("token_endpoint"))
            .tls_ca_file(self.get("ca_file"))
            .client_id(self.get("client_id"))
            .client_secret(self.get("client_secret"))
    }

    /// The provider's own word on a token (RFC 7662).
    fn introspect(&self, token: &str) -> serde_json::Value {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(self.get("ca_file")).expect("the CA file can be read") {
            roots.add(certificate.expect("the CA file is PEM")).expect("the CA can be trusted");
        }
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the default protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http =
            reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().expect("an HTTP client");
        let body: String = percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC).collect();
        let request = http
            .post(self.get("introspection_endpoint"))
            .header("Authorization", self.get("introspection_authorization"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("token={body}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let text = runtime.block_on(async { request.send().await?.error_for_status()?.text().await });
        serde_json::from_str(&text.expect("an answer")).expect("a JSON answer")
    }
}

#[test]
fn basic_authentication_gets_an_active_token() {
    let provider = Provider::running();
    let client = provider.client().scope(provider.get("scope")).build().expect("valid options");
    let token = client.blocking().access_token().expect("a token");
    assert_eq!(token.source().as_str(), "network");
    assert_eq!(token.scope(), Some(provider.get("scope")));
    assert!((590..=600).contains(&token.expires_in()), "{}", token.expires_in());

    let answer = provider.introspect(token.value());
    assert_eq!(answer["active"], true);
    assert_eq!(answer["client_id"], provider.get("client_id"));

    let again = client.blocking().access_token().expect("the same token");
    assert_eq!((again.value(), again.source().as_str()), (token.value(), "memory"));
}

#[test]
fn post_authentication_gets_an_active_token() {
    let provider = Provider::running();
    let client = provider
        .client()
        .client_id(provider.get("post_client_id"))
        .client_secret(provider.get("post_client_secret"))
        .token_endpoint_auth_method("client_secret_post")
        .build()
        .expect("valid options");
    let token = client.blocking().access_token().expect("a token");
    assert_eq!(provider.introspect(token.value())["client_id"], provider.get("post_client_id"));
}

#[test]
fn a_wrong_secret_is_the_servers_invalid_client() {
    let provider = Provider::running();
    let client = provider.client().client_secret("wrong-secret").build().expect("valid options");
    let error = client.blocking().access_token().expect_err("no token for a wrong secret");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Server, "invalid_client"));
    assert_eq!(error.http_status(), Some(401));
    assert!(!error.retryable());
    assert!(!format!("{error} {error:?}").contains("wrong-secret"));
}

#[test]
fn the_private_ca_is_trusted_by_this_client_alone() {
    let provider = Provider::running();
    let client = Client::builder()
        .token_endpoint(provider.get("token_endpoint"))
        .client_id(provider.get("client_id"))
        .client_secret(provider.get("client_secret"))
        .build()
        .expect("valid options");
    let error = client.blocking().access_token().expect_err("a certificate of an unknown issuer");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Transport, "tls_unknown_issuer"));
}
