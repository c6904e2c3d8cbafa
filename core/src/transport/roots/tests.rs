//! Handshakes with chains of every shape, and what stays of the authorities.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConnection, ServerConfig, ServerConnection};

use super::*;
use crate::transport::tls;

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

type Signed = rcgen::Certificate;

/// A root, one of the same name and another key, one that has signed the first one's key too; and what comes from the first.
struct World {
    root: Signed,
    namesake: Signed,
    other: Signed,
    cross: Signed,
    intermediate: Signed,
    server: Signed,
    key: KeyPair,
}

impl World {
    fn new() -> World {
        let [root_key, namesake_key, other_key, intermediate_key, key] =
            std::array::from_fn(|_| KeyPair::generate().unwrap());
        let [root, other, intermediate] = ["root", "other", "intermediate"].map(authority);
        let of = |params: &CertificateParams, key: &KeyPair, by: &CertificateParams, by_key: &KeyPair| {
            params.signed_by(key, &Issuer::from_params(by, by_key)).unwrap()
        };
        World {
            root: root.self_signed(&root_key).unwrap(),
            namesake: root.self_signed(&namesake_key).unwrap(),
            other: other.self_signed(&other_key).unwrap(),
            cross: of(&root, &root_key, &other, &other_key),
            intermediate: of(&intermediate, &intermediate_key, &root, &root_key),
            server: of(&named("server"), &key, &intermediate, &intermediate_key),
            key,
        }
    }

    /// What a client that trusts an authority's file says to a server with this chain.
    fn shake(&self, client: &Arc<rustls::ClientConfig>, chain: &[&Signed]) -> Result<(), rustls::Error> {
        let chain = chain.iter().map(|one| one.der().clone()).collect();
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let server = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        let mut client = ClientConnection::new(client.clone(), ServerName::try_from("localhost").unwrap()).unwrap();
        while client.is_handshaking() {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            wire.clear();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let mut wire = wire.as_slice();
            while !wire.is_empty() {
                client.read_tls(&mut wire).unwrap();
                client.process_new_packets()?;
            }
        }
        Ok(())
    }
}

/// A file of authorities, removed with it.
struct Trusted(PathBuf);

impl Trusted {
    fn new(name: &str, authorities: &[&Signed]) -> Trusted {
        let path = std::env::temp_dir().join(format!("tokenwell-roots-{name}-{}.pem", std::process::id()));
        let mut file = fs::File::create(&path).unwrap();
        for authority in authorities {
            writeln!(file, "# an authority\n{}", authority.pem()).unwrap();
        }
        Trusted(path)
    }

    fn client(&self) -> Arc<rustls::ClientConfig> {
        Arc::new(tls::config(Some(&self.0), &Arc::new(Authorities::new(None)), None).unwrap())
    }
}

impl Drop for Trusted {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn s03_a_chain_of_any_shape_ends_in_an_authority_or_is_refused() {
    let world = World::new();
    let World { root, namesake, other, cross, intermediate, server, .. } = &world;
    let unknown = || Err(CertificateError::UnknownIssuer.into());
    for (what, trusted, chain, expected) in [
        ("as servers should send it", &[root][..], &[server, intermediate][..], Ok(())),
        ("with the root itself", &[root], &[server, intermediate, root], Ok(())),
        ("in no order", &[root], &[server, root, intermediate], Ok(())),
        ("a namesake before the root", &[namesake, root], &[server, intermediate], Ok(())),
        ("a namesake behind the root", &[root, namesake], &[server, intermediate], Ok(())),
        ("a namesake alone", &[namesake], &[server, intermediate], Err(CertificateError::BadSignature.into())),
        ("the root is signed by another too, which is trusted", &[other], &[server, intermediate, cross], Ok(())),
        ("the root is signed by another too, and trusted", &[root], &[server, cross, intermediate], Ok(())),
        ("the other is trusted and not named", &[other], &[server, intermediate], unknown()),
        ("the root comes with the chain and is not trusted", &[other], &[server, intermediate, root], unknown()),
        ("a link is missing", &[root], &[server], unknown()),
        ("the link is what is trusted", &[other, intermediate], &[server], Ok(())),
    ] {
        let outcome = world.shake(&Trusted::new("chain", trusted).client(), chain);
        assert_eq!(outcome, expected, "{what}");
    }
}

#[test]
fn authorities_that_a_chain_has_ended_in_are_kept_and_others_are_read_when_they_are_needed() {
    let world = World::new();
    let World { root, other, cross, intermediate, server, .. } = &world;
    let trusted = Trusted::new("kept", &[other, root]);
    let client = trusted.client();
    world.shake(&client, &[server, intermediate]).unwrap();
    fs::write(&trusted.0, other.pem()).unwrap();
    world.shake(&client, &[server, intermediate]).unwrap();
    assert_eq!(world.shake(&trusted.client(), &[server, intermediate]), Err(CertificateError::UnknownIssuer.into()));
    world.shake(&trusted.client(), &[server, intermediate, cross]).unwrap();
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let world = World::new();
    let pem = world.root.pem();
    let no_end = pem.trim_end().strip_suffix("-----END CERTIFICATE-----").unwrap();
    let certificate = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    // What is said when a client is made, and when a server's certificate is there.
    let outcomes = |text: &str| {
        let file = Trusted::new("wrong", &[]);
        fs::write(&file.0, text).unwrap();
        [check_file(&file.0), in_file(&file.0, &[]).map(drop)].map(|outcome| outcome.map_err(|error| error.to_string()))
    };
    for (text, expected) in [
        (String::new(), "no certificate"),
        (pem.replace("CERTIFICATE", "PUBLIC KEY"), "no certificate"),
        (certificate("not base64"), "not PEM"),
        (certificate("AAAA"), "cannot be read"),
        (no_end.to_owned(), "not PEM"),
        (format!("{no_end}{pem}"), "not PEM"),
    ] {
        for outcome in outcomes(&text) {
            let message = outcome.unwrap_err();
            assert!(message.contains(expected), "{message}: {text}");
        }
    }
    for (text, what) in [(pem.replace('\n', " \r\n"), "other line ends"), (pem.trim_end().to_owned(), "no line end")] {
        assert_eq!(outcomes(&text), [Ok(()), Ok(())], "{what}");
    }
    let [first, all] = outcomes(&format!("{pem}{}", certificate("AAAA")));
    assert_eq!(first, Ok(()));
    assert!(all.unwrap_err().contains("cannot be read"));
}

#[test]
fn a_file_that_cannot_be_read_any_more_is_named_by_the_handshake() {
    let world = World::new();
    let trusted = Trusted::new("gone", &[&world.root]);
    let client = trusted.client();
    fs::remove_file(&trusted.0).unwrap();
    let Err(rustls::Error::Other(OtherError(cause))) = world.shake(&client, &[&world.server]) else { panic!() };
    assert_eq!(cause.downcast_ref::<Error>().unwrap().code(), "ca_file_unreadable");
}
