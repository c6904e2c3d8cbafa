//! Not a library for tokens but the limit of one in Rust: the same request by hyper alone, over a connection of each caller; the answer
//! is read and not looked into, and one root is trusted.

mod contestant;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use contestant::{Failure, Fetches, play, variable};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

type Connection = SendRequest<Full<Bytes>>;

struct Hyper {
    // Of each caller, who alone locks it.
    connections: Vec<Mutex<Connection>>,
    request: Request<Full<Bytes>>,
}

impl Fetches for Hyper {
    const NAME: &'static str = "hyper alone";
    const VERSION: &'static str = "1.12.0";

    async fn prepare(at_once: usize) -> Result<Hyper, Failure> {
        let endpoint: Uri = variable("TOKEN_ENDPOINT")?.parse()?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(variable("PRIVATE_CA_FILE")?)?)?;
        let config = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
        let mut connections = Vec::with_capacity(at_once);
        for _ in 0..at_once {
            connections.push(Mutex::new(connect(&endpoint, &config).await?));
        }
        Ok(Hyper { connections, request: request(&endpoint)? })
    }

    async fn fetch(&self, place: usize) -> Result<(), Failure> {
        let answer = self.connections[place].lock().await.send_request(self.request.clone()).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status.is_success() && !body.is_empty() { Ok(()) } else { Err(format!("status {status}").into()) }
    }
}

fn request(endpoint: &Uri) -> Result<Request<Full<Bytes>>, Failure> {
    let pair = STANDARD.encode(format!("{}:{}", variable("CLIENT_ID")?, variable("CLIENT_SECRET")?));
    let form = format!("grant_type=client_credentials&scope={}", variable("SCOPE")?);
    Ok(Request::post(endpoint.path())
        .header(header::HOST, endpoint.authority().map_or("", |authority| authority.as_str()))
        .header(header::AUTHORIZATION, format!("Basic {pair}"))
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(form)))?)
}

async fn connect(endpoint: &Uri, config: &Arc<ClientConfig>) -> Result<Connection, Failure> {
    let host = endpoint.host().ok_or("an endpoint without a host")?.to_owned();
    let stream = TcpStream::connect((host.as_str(), endpoint.port_u16().unwrap_or(443))).await?;
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(ServerName::try_from(host)?, stream).await?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn main() -> Result<(), Failure> {
    play::<Hyper>()
}
