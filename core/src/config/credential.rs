//! Which authentication method the options ask for, and whether they give what it needs: exactly one credential.

use url::Url;

use super::check::{missing, no_control_characters};
use super::read::wrong;
use super::{AuthMethod, Options};
use crate::certificate::{self, ClientCertificate};
use crate::error::Error;
use crate::grant::Grant;
use crate::key::{CONNECTION, PrivateKey, algorithm_names};
use crate::provider::Profile;
use crate::source::Source;

/// The method that is named, or the one that the credential given speaks for. Never found out by trying.
pub(super) fn auth_method(options: &Options, grant: &dyn Grant, profile: &Profile) -> Result<AuthMethod, Error> {
    let by_key = options.token_endpoint_auth_method == Some(AuthMethod::PrivateKeyJwt);
    // A key that signs the grant says nothing of how the client authenticates, if it does.
    let otherwise = is_given(&options.client_assertion) || options.signer.is_some();
    let signs_grant = grant.is_signed() && (!by_key || otherwise);
    let given = [
        ("client_secret", is_given(&options.client_secret)),
        ("private_key", is_given(&options.private_key) && !signs_grant),
        ("client_assertion", is_given(&options.client_assertion)),
        ("signer", options.signer.is_some()),
    ];
    let given: Vec<&str> = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
    let default = match given.as_slice() {
        [] if is_given(&options.tls_client_certificate) => AuthMethod::TlsClientAuth,
        [] if signs_grant => AuthMethod::None,
        [] | ["client_secret"] => profile.auth_method.unwrap_or(AuthMethod::ClientSecretBasic),
        [_] => AuthMethod::PrivateKeyJwt,
        [first, second, ..] => {
            let message = format!(
                "`{first}` and `{second}` are both given: a client proves itself in one way, so remove one of the two"
            );
            return Err(Error::config("option_conflict", message));
        }
    };
    let method = options.token_endpoint_auth_method.unwrap_or(default);
    let fits = match method {
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost | AuthMethod::ClientSecretJwt => {
            ["client_secret"].as_slice()
        }
        AuthMethod::PrivateKeyJwt => ["private_key", "client_assertion", "signer"].as_slice(),
        AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth | AuthMethod::None => [].as_slice(),
    };
    match given.first() {
        Some(name) if !fits.contains(name) => {
            let message = format!(
                "`{name}` is given, but `token_endpoint_auth_method` \"{}\" does not use it: remove one of the two",
                method.as_str()
            );
            Err(Error::config("option_conflict", message))
        }
        None if method == AuthMethod::PrivateKeyJwt => {
            Err(missing("private_key", "the private key, PEM or JWK, or its file"))
        }
        None if method.is_tls() && !is_given(&options.tls_client_certificate) => {
            Err(missing("tls_client_certificate", "the client certificate, PEM, or its file"))
        }
        None if !method.is_tls() && method != AuthMethod::None => Err(missing(
            "client_secret",
            "the client secret (or `token_endpoint_auth_method` \"none\" for a public client)",
        )),
        _ => Ok(method),
    }
}

pub(super) fn is_given(source: &Option<Source>) -> bool {
    source.as_ref().is_some_and(Source::is_given)
}

fn given_value(source: &Option<Source>) -> Option<&str> {
    source.as_ref().and_then(Source::value)
}

/// What can be checked before a source is read.
pub(super) fn check(options: &Options, method: AuthMethod, grant: &dyn Grant, profile: &Profile) -> Result<(), Error> {
    if let Some(secret) = given_value(&options.client_secret) {
        no_control_characters("client_secret", secret)?;
    }
    algorithm(options, method, grant)?;
    audience(options, method, grant, profile)?;
    if let Some(text) = given_value(&options.private_key) {
        let wanted = options.token_endpoint_auth_signing_alg.as_deref();
        let of_another = method == AuthMethod::ClientSecretJwt || options.signer.is_some();
        PrivateKey::of_client(text)?.algorithm(wanted.filter(|_| !of_another))?;
    }
    Ok(())
}

/// A certificate and its key go together, and are shown on TLS connections alone.
pub(super) fn certificate(options: &Options, endpoint: &Url) -> Result<(), Error> {
    let (certificate, key) = (&options.tls_client_certificate, &options.tls_client_key);
    match (is_given(certificate), is_given(key)) {
        (false, false) => return Ok(()),
        (true, false) => {
            return Err(missing("tls_client_key", "the private key of `tls_client_certificate`, or its file"));
        }
        (false, true) => {
            return Err(missing("tls_client_certificate", "the certificate of `tls_client_key`, or its file"));
        }
        (true, true) => {}
    }
    if endpoint.scheme() != "https" {
        let message = "`tls_client_certificate` is given, but `token_endpoint` is http://, where no certificate is shown: use https://";
        return Err(Error::config("insecure_endpoint", message));
    }
    if let (Some(certificate), Some(key)) = (given_value(certificate), given_value(key)) {
        ClientCertificate::new(certificate::chain(certificate)?, &PrivateKey::read(CONNECTION, key)?)?;
    }
    Ok(())
}

/// An HS algorithm belongs to a secret and never to a key (RFC 8725 section 2.1).
fn algorithm(options: &Options, method: AuthMethod, grant: &dyn Grant) -> Result<(), Error> {
    let Some(name) = options.token_endpoint_auth_signing_alg.as_deref() else { return Ok(()) };
    let fits = match method {
        AuthMethod::ClientSecretJwt => name == "HS256",
        AuthMethod::PrivateKeyJwt if options.signer.as_ref().is_some_and(|signer| signer.algorithm.name != name) => {
            let message = "`token_endpoint_auth_signing_alg` is not the algorithm of `signer`: remove it";
            return Err(Error::config("option_conflict", message));
        }
        AuthMethod::PrivateKeyJwt => algorithm_names().contains(&name),
        _ if grant.is_signed() => algorithm_names().contains(&name),
        _ => {
            return Err(Error::config(
                "option_conflict",
                format!("`token_endpoint_auth_signing_alg` is given, but {} signs nothing: remove it", method.as_str()),
            ));
        }
    };
    if fits { Ok(()) } else { Err(wrong("token_endpoint_auth_signing_alg")) }
}

/// The audience is the issuer; a token endpoint alone does not name it (RFC 7523 as updated in 2025).
fn audience(options: &Options, method: AuthMethod, grant: &dyn Grant, profile: &Profile) -> Result<(), Error> {
    let makes_assertion =
        matches!(method, AuthMethod::ClientSecretJwt | AuthMethod::PrivateKeyJwt) && options.client_assertion.is_none();
    if (makes_assertion || grant.is_signed())
        && options.issuer.is_none()
        && options.assertion_audience.is_none()
        && !profile.assertion_for_endpoint
    {
        let message =
            "`assertion_audience` is missing: give the issuer's identifier, or `issuer` instead of `token_endpoint`";
        return Err(Error::config("option_missing", message));
    }
    Ok(())
}
