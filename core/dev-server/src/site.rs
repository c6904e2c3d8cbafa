//! All realms of a server, and the addresses they are reached by.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio::runtime::Handle;

use crate::listen;
use crate::realm::{Realm, expand};
use crate::settings::Settings;
use crate::test_keys::TestKeys;

/// The name of the realm that has no prefix in its paths.
pub(crate) const ROOT: &str = "root";

/// The ports of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) http: u16,
    pub(crate) https: u16,
    /// Requires a client certificate.
    pub(crate) mtls: u16,
    pub(crate) expired: u16,
    pub(crate) wrong_host: u16,
    pub(crate) tls11: u16,
    /// Bound, but nobody listens on it.
    pub(crate) closed: u16,
}

/// Files that tests point a client at.
#[derive(Debug)]
pub(crate) struct CaFiles {
    pub(crate) ca: PathBuf,
    pub(crate) other_ca: PathBuf,
    pub(crate) missing: PathBuf,
}

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct Site {
    ports: Ports,
    files: CaFiles,
    keys: TestKeys,
    runtime: Handle,
    realms: Mutex<HashMap<String, Arc<Realm>>>,
    created: AtomicU64,
}

impl Site {
    pub(crate) fn new(ports: Ports, files: CaFiles, keys: TestKeys, runtime: Handle) -> Site {
        Site { ports, files, keys, runtime, realms: Mutex::default(), created: AtomicU64::new(0) }
    }

    fn realms(&self) -> MutexGuard<'_, HashMap<String, Arc<Realm>>> {
        self.realms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn realm(&self, name: &str) -> Option<Arc<Realm>> {
        self.realms().get(name).cloned()
    }

    /// Makes a realm with a new name.
    pub(crate) fn add(&self, config: Value) -> Result<(String, Arc<Realm>), String> {
        let name = format!("r{}", self.created.fetch_add(1, Ordering::Relaxed) + 1);
        let realm = self.add_named(&name, config)?;
        Ok((name, realm))
    }

    pub(crate) fn add_named(&self, name: &str, config: Value) -> Result<Arc<Realm>, String> {
        let config = expand(config, &self.keys.vars);
        let config: Settings = serde_json::from_value(config).map_err(|error| format!("server: {error}"))?;
        let canary = listen::bind_canary().map_err(|error| format!("canary: {error}"))?;
        let port = canary.local_addr().map_err(|error| format!("canary: {error}"))?;
        let vars = self.vars(name, &config, port.port());
        let realm = Arc::new(Realm::new(config, vars, &self.keys)?);
        listen::spawn_canary(&self.runtime, canary, Arc::clone(&realm)).map_err(|error| format!("canary: {error}"))?;
        self.realms().insert(name.to_owned(), Arc::clone(&realm));
        Ok(realm)
    }

    /// Forgets a realm and ends its open requests; false when there is none of this name.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let removed = self.realms().remove(name);
        if let Some(realm) = &removed {
            realm.close();
        }
        removed.is_some()
    }

    fn vars(&self, name: &str, config: &Settings, canary: u16) -> Map<String, Value> {
        let ports = &self.ports;
        let prefix = if name == ROOT { String::new() } else { format!("/r/{name}") };
        let http = format!("http://127.0.0.1:{}{prefix}", ports.http);
        let https = |port: u16| format!("https://localhost:{port}{prefix}");
        let file = |path: &PathBuf| path.to_string_lossy().into_owned();
        [
            ("issuer", http.clone()),
            ("token_endpoint", format!("{http}/token")),
            ("introspection_endpoint", format!("{http}/introspect")),
            ("revocation_endpoint", format!("{http}/revoke")),
            ("jwks_uri", format!("{http}/jwks")),
            ("resource", format!("{http}/resource")),
            ("same_origin_canary", format!("{http}/canary/token")),
            ("canary", format!("http://127.0.0.1:{canary}/token")),
            ("closed_endpoint", format!("http://127.0.0.1:{}/token", ports.closed)),
            ("https_issuer", https(ports.https)),
            ("https_token_endpoint", https(ports.https) + "/token"),
            ("https_introspection_endpoint", https(ports.https) + "/introspect"),
            ("https_revocation_endpoint", https(ports.https) + "/revoke"),
            ("https_jwks_uri", https(ports.https) + "/jwks"),
            ("https_resource", https(ports.https) + "/resource"),
            ("mtls_token_endpoint", https(ports.mtls) + "/token"),
            ("mtls_introspection_endpoint", https(ports.mtls) + "/introspect"),
            ("mtls_revocation_endpoint", https(ports.mtls) + "/revoke"),
            ("mtls_resource", https(ports.mtls) + "/resource"),
            ("https_expired_endpoint", https(ports.expired) + "/token"),
            ("https_wrong_host_endpoint", https(ports.wrong_host) + "/token"),
            ("https_tls11_endpoint", https(ports.tls11) + "/token"),
            ("client_id", config.client_id.clone()),
            ("client_secret", config.client_secret.clone()),
            ("ca_file", file(&self.files.ca)),
            ("other_ca_file", file(&self.files.other_ca)),
            ("missing_file", file(&self.files.missing)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .chain(self.keys.vars.clone())
        .collect()
    }

    pub(crate) fn control_url(&self) -> String {
        format!("http://127.0.0.1:{}/control", self.ports.http)
    }
}
