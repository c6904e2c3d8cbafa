//! How far the server's clock is from this machine's, by the `Date` of an answer (RFC 9110 section 6.6.1). The request carries
//! no credential.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::DATE;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::network::Route;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Seconds that the server's clock is ahead; `None` where it cannot be told.
pub(super) fn offset(route: &Route) -> Option<i64> {
    let http = http(route)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let before = SystemTime::now();
    let answer = runtime.block_on(async { http.get(route.url.clone()).send().await }).ok()?;
    let on_the_way = before.elapsed().unwrap_or_default();
    let date = httpdate::parse_http_date(answer.headers().get(DATE)?.to_str().ok()?).ok()?;
    let unix =
        |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
    Some(unix(date)? - unix(before + on_the_way / 2)?)
}

/// As the core connects: the same roots and proxy, no redirects.
fn http(route: &Route) -> Option<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .http1_only()
        .tls_backend_preconfigured(tls(route)?);
    let builder = match &route.proxy {
        Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy.as_str()).ok()?),
        None if route.is_plain() => builder.no_proxy(),
        None => builder,
    };
    builder.build().ok()
}

fn tls(route: &Route) -> Option<rustls::ClientConfig> {
    let mut roots = RootCertStore::empty();
    match &route.ca_file {
        _ if route.is_plain() => {}
        Some(path) => {
            let pem = std::fs::read(path).ok()?;
            roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(config.with_root_certificates(roots).with_no_client_auth())
}
