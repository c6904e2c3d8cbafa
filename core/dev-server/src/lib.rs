//! The development authorization server of Tokenwell.
//!
//! It issues real tokens as a strict authorization server does (RFC 6749, 7662 and 8414), on loopback only, over http and
//! https, and misbehaves on demand: each of its realms has a script of answers and faults, a virtual clock and a log of what
//! arrived. The control interface is described in `core/conformance/README.md`; the tests of every language use it.
//!
//! ```no_run
//! let server = tokenwell_dev_server::DevServer::start(Default::default())?;
//! println!("{}", server.info().token_endpoint);
//! # Ok::<(), std::io::Error>(())
//! ```

mod access_token;
mod assertion;
mod client_auth;
mod client_certificates;
mod command;
mod connection;
mod control;
mod dn;
mod dpop;
mod files;
mod form;
mod grants;
mod http;
mod introspect;
mod issued;
mod jose;
mod listen;
mod log;
mod metadata;
mod mtls;
mod private_key;
mod realm;
mod replay;
mod resource;
mod response;
mod revoke;
mod route;
mod script;
mod server;
mod settings;
mod site;
mod test_keys;
mod tls;
mod token;
mod write;

pub use command::run;
pub use server::{DevServer, Info, Options};
