//! Where a Redis is: what the URL in `cache` says.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::error::Error;
use crate::secret::Secret;

/// One server, one that is followed to others (a cluster), or sentinels that know where the master is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    /// As it was written.
    url: Secret,
    /// Where to begin; any of them will do.
    pub(super) nodes: Vec<Node>,
    pub(super) tls: bool,
    /// The authorities to trust instead of the operating system's.
    pub(super) ca_file: Option<PathBuf>,
    pub(super) login: Login,
    pub(super) database: i64,
    pub(super) sentinel: Option<Sentinel>,
}

/// A place to connect to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// Host and port.
    Tcp(String, u16),
    /// Path of a socket.
    Unix(PathBuf),
}

/// User of the access control list, and password.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
}

/// The nodes are sentinels: they are asked for the master of this name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Sentinel {
    pub(super) master: String,
    pub(super) login: Login,
}

const FORMS: &str = "\"redis://user:password@host:6379/0\" (rediss:// with TLS; several hosts with commas between them), \
    \"redis+sentinel://host:26379,host:26379/master\" or \"unix:///run/redis/redis.sock\"";

impl Address {
    /// Reads `[redis|rediss|valkey|valkeys][+sentinel]://[[user]:password@]host[:port][,host[:port]...][/database]`, with
    /// sentinels `/master[/database][?sentinel_username=...&sentinel_password=...]`, or `unix://[[user]:password@]/path[?db=0]`.
    ///
    /// # Errors
    /// `ConfigError`. No part of the URL is in it: it may hold a password.
    pub(crate) fn parse(url: &Secret, ca_file: Option<&Path>) -> Result<Address, Error> {
        let address = parse(url).ok_or_else(|| {
            Error::config("option_invalid", format!("`cache`: `redis` must be a URL in one of these forms: {FORMS}"))
        })?;
        Ok(Address { ca_file: ca_file.map(Path::to_owned), ..address })
    }

    /// As it was written, with its password.
    pub(crate) fn url(&self) -> &str {
        self.url.expose()
    }
}

fn parse(url: &Secret) -> Option<Address> {
    let (scheme, rest) = url.expose().split_once("://")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Login::read(login)?, hosts),
        None => (Login::default(), authority),
    };
    if scheme == "unix" {
        let (node, database) = unix(hosts, path, &query)?;
        return Some(Address {
            url: url.clone(),
            nodes: vec![node],
            tls: false,
            ca_file: None,
            login,
            database,
            sentinel: None,
        });
    }
    let (server, through_sentinel) = match scheme.split_once('+') {
        Some((server, "sentinel")) => (server, true),
        Some(_) => return None,
        None => (scheme, false),
    };
    let tls = match server {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return None,
    };
    let nodes = hosts.split(',').map(|host| Node::read(host, if through_sentinel { 26379 } else { 6379 }));
    let nodes = nodes.collect::<Option<Vec<Node>>>()?;
    let path = path.trim_start_matches('/');
    let (sentinel, database) = match through_sentinel {
        true => {
            let (master, database) = path.split_once('/').unwrap_or((path, ""));
            (Some(Sentinel::read(master, &query)?), database)
        }
        false if query.is_empty() => (None, path),
        false => return None,
    };
    Some(Address { url: url.clone(), nodes, tls, ca_file: None, login, database: number(database)?, sentinel })
}

/// The path of a socket and the database.
fn unix(hosts: &str, path: &str, query: &[(String, String)]) -> Option<(Node, i64)> {
    let database = match query {
        [] => "",
        [(name, value)] if name == "db" => value,
        _ => return None,
    };
    let is_path = hosts.is_empty() && path.len() > 1;
    let path = is_path.then(|| decoded(path))??;
    Some((Node::Unix(path.into()), number(database)?))
}

/// Of a database; none is 0.
fn number(text: &str) -> Option<i64> {
    if text.is_empty() { Some(0) } else { text.parse().ok().filter(|number| *number >= 0) }
}

fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.contains(char::is_control)).then(|| text.into_owned())
}

impl Node {
    /// Host and port as they stand in a URL or in the answer of a cluster; `usual` is the port where none stands.
    pub(super) fn read(text: &str, usual: u16) -> Option<Node> {
        // An IPv6 address has colons of its own, so it stands in brackets.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (text, usual),
        };
        let host = url::Host::parse(host).ok()?;
        Some(Node::Tcp(host.to_string().trim_matches(['[', ']']).to_owned(), port))
    }
}

impl Login {
    fn read(text: &str) -> Option<Login> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Some(Login { user: given(decoded(user)?), password: given(decoded(password)?).map(Secret::new) })
    }
}

impl Sentinel {
    fn read(master: &str, query: &[(String, String)]) -> Option<Sentinel> {
        let mut login = Login::default();
        for (name, value) in query {
            match name.as_str() {
                "sentinel_username" => login.user = Some(value.clone()),
                "sentinel_password" => login.password = Some(Secret::new(value.as_str())),
                _ => return None,
            }
        }
        let master = decoded(master).filter(|master| !master.is_empty())?;
        Some(Sentinel { master, login })
    }
}

/// The places alone, without user and password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.nodes).finish()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Tcp(host, port) => write!(f, "{host}:{port}"),
            Node::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Address, Error> {
        Address::parse(&Secret::new(url), None)
    }

    fn tcp(host: &str, port: u16) -> Node {
        Node::Tcp(host.to_owned(), port)
    }

    #[test]
    fn a_server_with_a_user_of_its_access_control_list() {
        let address = read("rediss://us%3Aer:p%40ss@cache.example:6380/2").unwrap();
        assert!(address.tls && address.database == 2 && address.sentinel.is_none());
        assert!(address.nodes == [tcp("cache.example", 6380)]);
        assert_eq!(address.login.user.as_deref(), Some("us:er"));
        assert_eq!(address.login.password.as_ref().map(Secret::expose), Some("p@ss"));
    }

    #[cfg(unix)]
    #[test]
    fn a_relative_ca_file_is_absolute_here_too() {
        let file = std::env::temp_dir().join(format!("tokenwell-redis-ca-{}.pem", std::process::id()));
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&file, signed.cert.pem()).unwrap();
        let relative = format!("{}{}", "../".repeat(64), file.strip_prefix("/").unwrap().display());
        let config = crate::config::Config::from_value(serde_json::json!({
            "token_endpoint": "https://a.example/token", "client_id": "id", "client_secret": "5EaQ7x0pZ1mCw8Vt",
            "cache": {"redis": "rediss://cache.example"}, "tls_ca_file": relative,
        }));
        let config = config.unwrap();
        let crate::config::Cache::Redis(address) = &config.cache else { panic!("{config:?}") };
        assert!(
            address.ca_file.as_deref() == config.tls_ca_file.as_deref() && config.tls_ca_file.unwrap().is_absolute()
        );
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn hosts_in_every_form() {
        let address = read("valkey://:password@a,b:7001,[::1]:7002,10.0.0.1,[::2]").unwrap();
        let nodes = [tcp("a", 6379), tcp("b", 7001), tcp("::1", 7002), tcp("10.0.0.1", 6379), tcp("::2", 6379)];
        assert!(address.nodes == nodes, "{address:?}");
        assert!(!address.tls && address.login.user.is_none());
    }

    #[test]
    fn sentinels() {
        let text = "redis+sentinel://u:p@a,b:1/main/3?sentinel_username=s&sentinel_password=q";
        let address = read(text).unwrap();
        assert!(address.nodes == [tcp("a", 26379), tcp("b", 1)] && address.database == 3);
        let sentinel = address.sentinel.unwrap();
        assert_eq!(sentinel.master, "main");
        assert_eq!(sentinel.login.password.as_ref().map(Secret::expose), Some("q"));
    }

    #[test]
    fn a_socket() {
        let address = read("unix:///run/redis%20a.sock?db=1").unwrap();
        assert!(address.nodes == [Node::Unix("/run/redis a.sock".into())] && address.database == 1);
    }

    #[test]
    fn what_is_wrong_is_an_error_that_shows_no_part_of_it() {
        let wrong = [
            "",
            "redis",
            "http://canary@a",
            "redis://",
            "redis://canary:canary@",
            "redis://a:canary",
            "redis://a/canary",
            "redis://a/-1",
            "redis://a?canary=1",
            "redis+canary://a",
            "redis+sentinel://a",
            "redis+sentinel://a/b/c",
            "redis+sentinel://a/b?canary=1",
            "unix://canary",
            "unix:///",
            "unix:///a?canary=1",
            "redis://canary%0a:p@a",
            "redis://a,,b",
        ];
        for text in wrong {
            let error = read(text).unwrap_err();
            assert_eq!(error.code(), "option_invalid");
            assert!(!error.message().contains("canary"), "{text}");
        }
    }

    #[test]
    fn s30_debug_shows_the_places_alone() {
        let shown = format!("{:?}", read("redis://canary:canary@a,b:1/0").unwrap());
        assert_eq!(shown, "[a:6379, b:1]");
    }
}
