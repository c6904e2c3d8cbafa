//! A server in a thread of its own.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde::Serialize;
use serde_json::{Value, json};
use socket2::Socket;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::control;
use crate::files::TempDir;
use crate::listen::{Pair, Speech, bind_closed};
use crate::realm::Realm;
use crate::site::{CaFiles, Ports, ROOT, Site};
use crate::test_keys::TestKeys;
use crate::tls::Tls;

/// How to start a server.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The http port; 0 takes a free one.
    pub port: u16,
}

/// Where a server is and how to use its first realm: the line of JSON that the binary prints.
#[derive(Debug, Clone, Serialize)]
pub struct Info {
    /// The issuer over http; it has metadata as in RFC 8414.
    pub issuer: String,
    /// The token endpoint over http.
    pub token_endpoint: String,
    /// The introspection endpoint (RFC 7662) over http.
    pub introspection_endpoint: String,
    /// The one client of the first realm.
    pub client_id: String,
    /// Its secret, random for each server.
    pub client_secret: String,
    /// The base URL of the control interface.
    pub control: String,
    /// The issuer over https.
    pub https_issuer: String,
    /// The token endpoint over https.
    pub https_token_endpoint: String,
    /// The path of a PEM file with the authority that signed the https certificate.
    pub ca_file: String,
}

/// A running development authorization server; dropping it stops it.
///
/// It runs on its own thread, so that blocking and asynchronous tests can use it alike.
pub struct DevServer {
    info: Info,
    site: Arc<Site>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    files: Option<TempDir>,
    /// Holds the port that nobody listens on.
    _closed: Socket,
    process: u32,
}

impl DevServer {
    /// Starts a server on free ports of the loopback interface, or with `options.port` as its http port.
    ///
    /// # Errors
    ///
    /// When a port is taken, or the thread, the certificates or their temporary folder cannot be made.
    pub fn start(options: Options) -> io::Result<DevServer> {
        let http = Pair::bind(options.port)?;
        let [https, mtls, expired] = [Pair::bind(0)?, Pair::bind(0)?, Pair::bind(0)?];
        let [wrong_host, tls11] = [Pair::bind(0)?, Pair::bind(0)?];
        let (closed, closed_port) = bind_closed()?;
        let tls = Tls::new()?;
        let files = TempDir::new()?;
        let ca_files = CaFiles {
            ca: files.write("ca.pem", &tls.ca.pem())?,
            other_ca: files.write("other-ca.pem", &tls.other_ca_pem)?,
            missing: files.path().join("missing.pem"),
        };
        let ports = Ports {
            http: http.port,
            https: https.port,
            mtls: mtls.port,
            expired: expired.port,
            wrong_host: wrong_host.port,
            tls11: tls11.port,
            closed: closed_port,
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle();
        let site = Arc::new(Site::new(ports, ca_files, TestKeys::new(&files, &tls)?, handle.clone()));
        let root = site.add_named(ROOT, json!({})).map_err(io::Error::other)?;
        http.serve(handle, &Speech::Http(Arc::clone(&site)))?;
        for (pair, acceptor) in
            [(https, tls.good), (mtls, tls.mtls), (expired, tls.expired), (wrong_host, tls.wrong_host)]
        {
            pair.serve(handle, &Speech::Https(Arc::clone(&site), acceptor))?;
        }
        tls11.serve(handle, &Speech::OldTls)?;
        let info = info(&site, &root);
        let (stop, stopped) = oneshot::channel();
        let thread = spawn(runtime, stopped)?;
        Ok(DevServer {
            info,
            site,
            stop: Some(stop),
            thread: Some(thread),
            files: Some(files),
            _closed: closed,
            process: std::process::id(),
        })
    }

    /// Where the server is.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// A request to the control interface without HTTP: `control("POST", "/realms", &json!({}))`.
    ///
    /// Gives the HTTP status and the answer. A null body counts as none.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        control::handle(&self.site, method, path, body.as_bytes())
    }
}

impl fmt::Debug for DevServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DevServer").field("issuer", &self.info.issuer).finish_non_exhaustive()
    }
}

impl Drop for DevServer {
    fn drop(&mut self) {
        // A forked child has neither the thread nor a right to the parent's files.
        if self.process != std::process::id() {
            std::mem::forget((self.thread.take(), self.files.take(), self.stop.take()));
            return;
        }
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn spawn(runtime: Runtime, stopped: oneshot::Receiver<()>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("tokenwell-dev".to_owned()).spawn(move || {
        // Ends when the sender is dropped.
        let _ = runtime.block_on(stopped);
        // Not even a bomb that is being compressed delays the end.
        runtime.shutdown_background();
    })
}

fn info(site: &Site, root: &Realm) -> Info {
    let variable = |name: &str| root.vars.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Info {
        issuer: variable("issuer"),
        token_endpoint: variable("token_endpoint"),
        introspection_endpoint: variable("introspection_endpoint"),
        client_id: variable("client_id"),
        client_secret: variable("client_secret"),
        control: site.control_url(),
        https_issuer: variable("https_issuer"),
        https_token_endpoint: variable("https_token_endpoint"),
        ca_file: variable("ca_file"),
    }
}
