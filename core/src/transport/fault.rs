//! From the HTTP library's errors to ours, by type wherever there is one. Its own texts are not used: they name URLs.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError};
use url::Url;

use super::UnknownHost;
use crate::error::{Error, ErrorKind};

/// No answer came.
pub(super) fn before_answer(error: &reqwest::Error, url: &Url) -> Error {
    let host = format!("{}:{}", url.host_str().unwrap_or(""), url.port_or_known_default().unwrap_or(0));
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_fault(tls, &host);
    }
    if let Some(http) = find::<hyper::Error>(error).filter(|http| http.is_parse()) {
        return not_http(http, &host);
    }
    if find::<UnknownHost>(error).is_some() {
        return transport("dns", format!("the name of {host} has no address"))
            .with_hint("check the host name in `token_endpoint`, and this machine's DNS");
    }
    if through_proxy(error) {
        return transport("proxy", format!("the proxy gave no way to {host}"))
            .with_hint("check `proxy`, or the variables HTTPS_PROXY and NO_PROXY");
    }
    if error.is_timeout() {
        return timeout(&host);
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => timeout(&host),
        Some(kind) if error.is_connect() => transport("connect", format!("no connection to {host}: {kind}"))
            .with_hint("check host and port in `token_endpoint`, and firewalls"),
        _ if error.is_connect() => transport("connect", format!("no connection to {host}")),
        _ => transport("closed", format!("{host} closed the connection before it answered")),
    }
}

/// The answer began and did not end.
pub(super) fn in_answer(error: &reqwest::Error, status: u16) -> Error {
    let message = match error.is_decode() && find::<hyper::Error>(error).is_none() {
        true => "the answer's compression is broken",
        false => "the answer ended before it was complete",
    };
    Error::new(ErrorKind::Response, "truncated_response", message).with_status(status).with_retryable(true)
}

pub(super) fn transport(code: &'static str, message: String) -> Error {
    Error::new(ErrorKind::Transport, code, message).with_retryable(true)
}

fn timeout(host: &str) -> Error {
    transport("timeout", format!("no connection to {host} within `connect_timeout`"))
}

fn not_http(error: &hyper::Error, host: &str) -> Error {
    // The method that tells this apart exists in hyper's server only.
    match error.to_string().contains("too large") {
        true => Error::new(ErrorKind::Response, "headers_too_large", "the answer has too many or too long headers"),
        false => Error::new(ErrorKind::Response, "not_http", format!("{host} does not answer in HTTP"))
            .with_hint("check the port in `token_endpoint`, and whether it is https"),
    }
}

fn tls_fault(error: &rustls::Error, host: &str) -> Error {
    use rustls::Error as Tls;
    let (code, why, hint) = match error {
        Tls::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => (
            "tls_certificate_expired",
            "its certificate has expired",
            "renew the server's certificate, or check this machine's clock",
        ),
        Tls::InvalidCertificate(CertificateError::UnknownIssuer) => (
            "tls_unknown_issuer",
            "its certificate comes from an authority that is not trusted here",
            "set `tls_ca_file` (or SSL_CERT_FILE) to the authority's PEM file",
        ),
        Tls::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => (
            "tls_wrong_host",
            "its certificate is for another host name",
            "use the host name that the certificate names",
        ),
        Tls::PeerIncompatible(_) | Tls::AlertReceived(AlertDescription::ProtocolVersion) => {
            ("tls_protocol_version", "it does not offer TLS 1.2 or 1.3", "update the server")
        }
        Tls::InvalidCertificate(_) => ("tls", "its certificate is not valid", "check the server's certificate"),
        _ => ("tls", "the TLS handshake failed", "check that the port speaks TLS"),
    };
    Error::new(ErrorKind::Transport, code, format!("no trusted connection to {host}: {why}")).with_hint(hint)
}

/// hyper-util's tunnel error cannot be named from outside, so it is known by its text.
fn through_proxy(error: &reqwest::Error) -> bool {
    chain(error).any(|cause| cause.to_string().starts_with("tunnel error"))
}

/// The causes of an error, also those inside an `io::Error`, which hides what it carries from `source`.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    })
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(|cause| cause.downcast_ref::<T>())
}
