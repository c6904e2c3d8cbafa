//! The cache key: one canonical function for every store.

use ring::hmac;
use zeroize::Zeroizing;

use super::Name;
use crate::config::{BasicEncoding, Config};
use crate::credential::Credential;
use crate::request::Target;
use crate::source::Source;

/// The name of an entry. A keyed hash: without the credential it tells nothing, and another credential is another key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct CacheKey([u8; 32]);

impl CacheKey {
    /// A part of it as a number.
    pub(crate) fn number(&self) -> u64 {
        self.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// The name in this process. A credential counts by its source, which is not read for it; the shared store counts too, since
/// clients of different stores share no flight.
pub(crate) fn cache_key(config: &Config, target: &Target) -> CacheKey {
    let sources = config.sources().into_iter().chain([config.cache_key.as_deref()]);
    let identity = |source: Option<&Source>| source.map(Source::identity).unwrap_or_default().join("\0");
    let mut secrets: Vec<String> = sources.map(identity).collect();
    secrets.push(config.cache.place());
    // Who may use no file that everybody can read takes no token from who may.
    secrets.push(config.require_private_files.to_string());
    let secrets = Zeroizing::new(secrets.join("\n"));
    let context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secrets.as_bytes()));
    let mut key = [0; 32];
    key.copy_from_slice(cover(context, config, target).as_ref());
    CacheKey(key)
}

/// The name in a shared store: the same in every process that has this credential and these options.
pub(crate) fn shared_name(config: &Config, target: &Target, names: &hmac::Key, credential: &Credential) -> Name {
    let mut context = hmac::Context::with_key(names);
    context.update(&credential.lasting_fingerprint());
    Name::from_hash(cover(context, config, target).as_ref())
}

/// Everything that decides which token the server issues and whom it was asked from: a token under one key is right for
/// every client with that key. Lengths stand before contents, so no two inputs run together.
///
/// Of a source it is the place that counts and not what is there now: it is read for each fetch, so a client made before a
/// rotation and one made after it go on as one, and do not end each other's tokens at an `exclusive` issuer.
fn cover(mut context: hmac::Context, config: &Config, target: &Target) -> hmac::Tag {
    let mut scope: Vec<&str> = target.scope.iter().map(String::as_str).collect();
    scope.sort_unstable();
    scope.dedup();
    let method = config.auth_method.as_str();
    let encoding = match config.basic_encoding {
        BasicEncoding::Form => "form",
        BasicEncoding::Raw => "raw",
    };
    let ca_file = config.tls_ca_file.as_ref().map(|path| path.to_string_lossy());
    let proxy = config.proxy.as_ref().map(|proxy| proxy.expose());
    let extra = config.extra_parameters.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let lifetime = config.default_lifetime.as_secs().to_string();
    let bound_to = config.dpop.as_ref().map(|prover| prover.thumbprint());
    let lists: [Vec<&str>; 8] = [
        vec![
            "tokenwell 1",
            config.profile.name,
            config.issuer().unwrap_or(""),
            config.endpoint.url().as_str(),
            &config.client_id,
            method,
            encoding,
            &config.grant_type,
            config.authorization_details.as_deref().unwrap_or(""),
        ],
        [&config.assertion_audience, &config.assertion_type_header, &config.private_key_id, &config.signing_alg]
            .iter()
            .chain(&[&config.assertion_subject, &config.subject_token_type, &config.actor_token_type])
            .map(|option| option.as_deref().unwrap_or(""))
            .chain([lifetime.as_str()])
            .chain(config.signer.as_ref().map(|signer| signer.identity.as_str()))
            .collect(),
        scope,
        target.audience.iter().map(String::as_str).collect(),
        target.resource.iter().map(String::as_str).collect(),
        extra.collect(),
        // Whom the client trusts: a token from behind another CA or proxy is not shared with it.
        ca_file.as_deref().into_iter().chain(proxy).collect(),
        // A token is of use with the key alone that it is bound to, and to some with its whole scope alone.
        bound_to.into_iter().chain(config.require_scope.then_some("require_scope")).collect(),
    ];
    for list in &lists {
        context.update(&(list.len() as u64).to_be_bytes());
        for part in list {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
    }
    context.sign()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{Value, json};

    use super::*;

    fn key(changes: Value) -> CacheKey {
        let mut options =
            json!({"token_endpoint": "https://a.example/token", "client_id": "id", "client_secret": "secret"});
        for (name, value) in changes.as_object().unwrap() {
            options[name] = value.clone();
        }
        let config = Config::from_value(options).unwrap();
        cache_key(&config, &config.target)
    }

    #[test]
    fn s12_whatever_decides_about_a_token_changes_the_key() {
        let changes = [
            json!({}),
            json!({"token_endpoint": "https://b.example/token"}),
            json!({"client_id": "other"}),
            json!({"client_secret": "other"}),
            json!({"token_endpoint_auth_method": "client_secret_post"}),
            json!({"basic_encoding": "raw"}),
            json!({"default_lifetime": 60}),
            json!({"provider": "paypal"}),
            json!({"token_endpoint_auth_method": "client_secret_jwt", "assertion_audience": "a"}),
            json!({"token_endpoint_auth_method": "client_secret_jwt", "assertion_audience": "b"}),
            json!({"scope": "a"}),
            json!({"scope": "a b"}),
            json!({"scope": "a b", "require_scope": true}),
            json!({"audience": "a"}),
            json!({"audience": ["a", "b"]}),
            json!({"resource": "https://a.example/"}),
            json!({"grant_type": "other"}),
            json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "a"}),
            json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "b"}),
            json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "b", "actor_token": "a"}),
            json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "b", "subject_token_type": "a"}),
            json!({"authorization_details": [{"type": "a"}]}),
            json!({"authorization_details": [{"type": "b"}]}),
            json!({"extra_parameters": {"a": "b"}}),
            json!({"extra_parameters": {"b": "a"}}),
            json!({"proxy": "http://proxy.example:3128"}),
            json!({"dpop": true}),
            json!({"dpop": true, "timeout": 9}),
        ];
        let keys: HashSet<CacheKey> = changes.iter().cloned().map(key).collect();
        assert_eq!(keys.len(), changes.len());
    }

    #[test]
    fn s12_the_order_of_scopes_does_not() {
        assert_eq!(key(json!({"scope": "b a"})), key(json!({"scope": ["a", "b", "a"]})));
    }
}
