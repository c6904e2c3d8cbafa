//! The way to the server, as far as it can be told from the options.

use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};
use url::{Host, Url};

/// A resolver may take so long before the doctor goes on without it.
const RESOLVER_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the server is and how it is reached.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) url: Url,
    pub(super) host: String,
    pub(super) is_issuer: bool,
    pub(super) ca_file: Option<PathBuf>,
    /// May hold a password: only its host and port are shown.
    pub(super) proxy: Option<Url>,
}

impl Route {
    /// `None` where the options have no endpoint, which the core would have refused.
    pub(super) fn new(options: &Map<String, Value>) -> Option<Route> {
        let text = |name: &str| options.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let url = Url::parse(text("issuer").or(text("token_endpoint"))?).ok()?;
        Some(Route {
            host: url.host_str()?.to_owned(),
            is_issuer: text("issuer").is_some(),
            ca_file: text("tls_ca_file").map(PathBuf::from),
            proxy: text("proxy").and_then(|proxy| Url::parse(proxy).ok()),
            url,
        })
    }

    /// http, which the core allows on this machine only.
    pub(super) fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    pub(super) fn is_address(&self) -> bool {
        !matches!(self.url.host(), Some(Host::Domain(_)))
    }

    /// The endpoint without its query.
    pub(super) fn shown(&self) -> String {
        let name = if self.is_issuer { "issuer" } else { "token_endpoint" };
        let mut url = self.url.clone();
        url.set_query(None);
        format!("{name} {url}")
    }

    /// Host and port, and the proxy if there is one.
    pub(super) fn way(&self) -> String {
        let target = format!("{}:{}", self.host, self.url.port_or_known_default().unwrap_or(0));
        let named =
            |proxy: &Url| format!("{}:{}", proxy.host_str().unwrap_or("?"), proxy.port_or_known_default().unwrap_or(0));
        match &self.proxy {
            Some(proxy) => format!("{target} through the proxy {}", named(proxy)),
            None => match self.proxy_variable() {
                Some((name, proxy)) => format!("{target} ({name} names the proxy {})", named(&proxy)),
                None => target,
            },
        }
    }

    /// The variable of the environment that names a proxy for this scheme.
    fn proxy_variable(&self) -> Option<(&'static str, Url)> {
        let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let set = |name: &'static str| Some((name, Url::parse(&std::env::var(name).ok()?).ok()?));
        names.into_iter().filter(|_| !self.is_plain()).find_map(set)
    }

    /// What makes a certificate trusted.
    pub(super) fn trust(&self) -> String {
        match &self.ca_file {
            Some(path) => format!("`tls_ca_file` {}", path.display()),
            None => match std::env::var_os("SSL_CERT_FILE") {
                Some(path) => format!("SSL_CERT_FILE {}", PathBuf::from(path).display()),
                None => "the system's authorities".to_owned(),
            },
        }
    }

    /// The host's addresses as a list for people, or why there is none.
    pub(super) fn addresses(&self) -> Result<String, &'static str> {
        let name = self.host.clone();
        let (send, answer) = mpsc::channel();
        // A thread, since the system's resolver takes no deadline.
        thread::spawn(move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            let found = found.map(|all| all.map(|one| one.ip().to_string()).collect::<Vec<_>>());
            let _ = send.send(found);
        });
        match answer.recv_timeout(RESOLVER_TIMEOUT) {
            Ok(Ok(mut list)) if !list.is_empty() => {
                list.dedup();
                Ok(list.join(", "))
            }
            Ok(_) => Err("the name has no address here"),
            Err(_) => Err("the name was not resolved in time"),
        }
    }
}
