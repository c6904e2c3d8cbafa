//! What can go wrong on the way, and the error that it becomes: by type wherever there is one. The HTTP library's own texts are
//! not used.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError, OtherError};
use url::Url;

use crate::error::{Error, ErrorKind};

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum Fault {
    UnknownHost,
    /// No connection, or no TLS on it.
    Connect(io::Error),
    /// The proxy gave no tunnel, with its status if it answered.
    Proxy {
        address: String,
        status: Option<u16>,
    },
    /// `connect_timeout` went by.
    Timeout,
    /// There was a connection.
    Http(hyper::Error),
}

/// No answer came.
pub(super) fn before_answer(fault: &Fault, url: &Url) -> Error {
    let host = format!("{}:{}", url.host_str().unwrap_or(""), url.port_or_known_default().unwrap_or(0));
    match fault {
        Fault::UnknownHost => transport("dns", format!("the name of {host} has no address"))
            .with_hint("check the host name in `token_endpoint` or `issuer`, and this machine's DNS"),
        Fault::Proxy { address, status } => {
            let answer = status.map_or_else(String::new, |status| format!(" (status {status})"));
            transport("proxy", format!("the proxy {address} gave no way to {host}{answer}"))
                .with_hint("check `proxy`, or the variables HTTPS_PROXY and NO_PROXY")
        }
        Fault::Timeout => timeout(&host),
        Fault::Connect(error) => match find::<rustls::Error>(error) {
            Some(tls) => tls_fault(tls, &host),
            None if error.kind() == io::ErrorKind::TimedOut => timeout(&host),
            None => transport("connect", format!("no connection to {host}: {}", error.kind()))
                .with_hint("check host and port in `token_endpoint` or `issuer`, and firewalls"),
        },
        Fault::Http(error) => match find::<rustls::Error>(error) {
            Some(tls) => tls_fault(tls, &host),
            None if error.is_parse() => not_http(error, &host),
            None => transport("closed", format!("{host} closed the connection before it answered")),
        },
    }
}

/// The answer began and did not end.
pub(super) fn in_answer(status: u16) -> Error {
    truncated("the answer ended before it was complete", status)
}

/// The answer's gzip ended or is none.
pub(super) fn in_compression(status: u16) -> Error {
    truncated("the answer's compression is broken", status)
}

fn truncated(message: &str, status: u16) -> Error {
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
            .with_hint("check the port in `token_endpoint` or `issuer`, and whether it is https"),
    }
}

fn tls_fault(error: &rustls::Error, host: &str) -> Error {
    use rustls::Error as Tls;
    // A verifier of this crate has no other way to say that it could not read its authorities.
    if let Tls::Other(OtherError(cause)) = error
        && let Some(error) = cause.downcast_ref::<Error>()
    {
        return error.clone();
    }
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
