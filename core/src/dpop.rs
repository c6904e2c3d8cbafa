//! Proof of possession (RFC 9449): the key of a client, its proofs, and the nonces that servers ask for.

use std::collections::HashMap;

use arc_swap::ArcSwap;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use url::Url;

use crate::error::Error;
use crate::jwt;
use crate::key::{Algorithm, PrivateKey, base64url};

/// Origins whose nonce is remembered.
const MOST_ORIGINS: usize = 100;
/// Real nonces have some hundred bytes.
const LONGEST_NONCE: usize = 4096;

/// Makes proofs. Its private key is never stored, shown or exported: it ends with the last client that has it.
pub(crate) struct Prover {
    key: PrivateKey,
    algorithm: Algorithm,
    header: Value,
    thumbprint: String,
    /// The last nonce of each origin (RFC 9449 section 8). Read and changed without a lock, which a fork could leave locked.
    nonces: ArcSwap<HashMap<String, String>>,
}

impl Prover {
    pub(crate) fn new(key: PrivateKey, algorithm: Algorithm) -> Result<Prover, Error> {
        let public = key.public()?;
        let thumbprint = public.thumbprint();
        let header = json!({"typ": "dpop+jwt", "alg": algorithm.name, "jwk": public.0});
        Ok(Prover { key, algorithm, header, thumbprint, nonces: ArcSwap::default() })
    }

    /// What tokens are bound to (`jkt`, RFC 9449 section 6).
    pub(crate) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// A proof for one request (RFC 9449 section 4.2), with the nonce that the origin asked for. `token` is what the request
    /// carries; `clock_offset` is how many seconds the server's clock is ahead.
    pub(crate) fn proof(
        &self,
        method: &str,
        url: &Url,
        token: Option<&str>,
        clock_offset: i64,
    ) -> Result<String, Error> {
        let mut claims = json!({
            "jti": jwt::fresh_id()?,
            "htm": method,
            "htu": target(url),
            "iat": jwt::now(clock_offset),
        });
        if let Some(token) = token {
            claims["ath"] = base64url(digest(&SHA256, token.as_bytes())).into();
        }
        if let Some(nonce) = self.nonces.load().get(&origin(url)) {
            claims["nonce"] = nonce.as_str().into();
        }
        jwt::signed(&self.header, &claims, |message| self.key.sign(self.algorithm, message))
    }

    /// Keeps the nonce that an answer of this origin brought. What is no nonce (RFC 9449 section 8.1) is left alone.
    pub(crate) fn keep_nonce(&self, url: &Url, nonce: &str) {
        let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if nonce.is_empty() || nonce.len() > LONGEST_NONCE || !nonce.bytes().all(allowed) {
            return;
        }
        let origin = origin(url);
        if self.nonces.load().get(&origin).is_some_and(|known| known == nonce) {
            return;
        }
        self.nonces.rcu(|nonces| {
            let mut nonces = HashMap::clone(nonces);
            if nonces.len() >= MOST_ORIGINS
                && !nonces.contains_key(&origin)
                && let Some(any) = nonces.keys().next().cloned()
            {
                nonces.remove(&any);
            }
            nonces.insert(origin.clone(), nonce.to_owned());
            nonces
        });
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// `htu`: the URL without query and fragment (RFC 9449 section 4.2), and without a credential that it may hold.
fn target(url: &Url) -> String {
    let mut target = url.clone();
    target.set_query(None);
    target.set_fragment(None);
    // These fail for URLs without a host, which have no credential.
    let _ = target.set_username("");
    let _ = target.set_password(None);
    target.into()
}

/// The method of a request for a proof: a token of RFC 9110 section 5.6.2.
pub(crate) fn check_method(method: &str) -> Result<&str, Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !method.is_empty() && method.bytes().all(allowed) {
        true => Ok(method),
        false => Err(Error::config("option_invalid", "`method` must be an HTTP method, for example \"GET\"")),
    }
}

/// The URL of a request for a proof.
pub(crate) fn check_url(url: &str) -> Result<Url, Error> {
    let web = |url: &Url| matches!(url.scheme(), "https" | "http") && url.has_host();
    Url::parse(url).ok().filter(web).ok_or_else(|| {
        let message = "`url` must be an absolute https or http URL, for example \"https://api.example.com/orders\"";
        Error::config("option_invalid", message)
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::key::PROOF;

    /// The key of the examples of RFC 9449 has no private part there: this one is RFC 7515 appendix A.3.1.
    const KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    fn prover() -> Prover {
        let key = PrivateKey::read(PROOF, KEY).unwrap();
        let algorithm = key.algorithm(None).unwrap();
        Prover::new(key, algorithm).unwrap()
    }

    fn part(jwt: &str, number: usize) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(number).unwrap()).unwrap()).unwrap()
    }

    fn claims(prover: &Prover, url: &str, token: Option<&str>) -> Value {
        part(&prover.proof("GET", &check_url(url).unwrap(), token, 0).unwrap(), 1)
    }

    #[test]
    fn rfc9449_7_1_ath() {
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        let claims = claims(&prover(), "https://resource.example.org/protectedresource", Some(token));
        assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        assert_eq!(claims["htu"], "https://resource.example.org/protectedresource");
        assert_eq!(claims["htm"], "GET");
    }

    #[test]
    fn s29_htu_has_no_query_no_fragment_and_no_credential() {
        let htu = |url| claims(&prover(), url, None)["htu"].take();
        assert_eq!(htu("https://me:hush@api.example:8443/a/b?c=d#e"), "https://api.example:8443/a/b");
        assert_eq!(htu("HTTPS://API.example:443"), "https://api.example/");
        assert_eq!(htu("http://[::1]:80/%7Ea"), "http://[::1]/%7Ea");
    }

    #[test]
    fn s29_nonces_are_kept_per_origin_and_every_proof_is_new() {
        let prover = prover();
        prover.keep_nonce(&check_url("https://a.example/token").unwrap(), "nonce-1");
        let nonce = |url| claims(&prover, url, None)["nonce"].take();
        assert_eq!(nonce("https://a.example/other?x"), "nonce-1");
        assert_eq!(nonce("https://a.example:444/other"), Value::Null);
        assert_eq!(nonce("http://a.example/other"), Value::Null);
        prover.keep_nonce(&check_url("https://a.example").unwrap(), "nonce-2");
        for refused in ["", "a b", "a\"b", "a\\b", "a\r\nb", "\u{e9}", &"n".repeat(4097)] {
            prover.keep_nonce(&check_url("https://a.example").unwrap(), refused);
        }
        assert_eq!(nonce("https://a.example/"), "nonce-2");
        let id = || claims(&prover, "https://a.example/", None)["jti"].take();
        assert_ne!(id(), id());
    }

    #[test]
    fn s29_the_nonces_of_many_origins_are_bounded() {
        let prover = prover();
        for number in 0..3 * MOST_ORIGINS {
            prover.keep_nonce(&check_url(&format!("https://a{number}.example")).unwrap(), "n");
        }
        assert_eq!(prover.nonces.load().len(), MOST_ORIGINS);
    }

    #[test]
    fn s25_the_header_has_the_public_part_alone() {
        let proof = prover().proof("GET", &check_url("https://a.example/").unwrap(), None, 0).unwrap();
        let public = json!({
            "crv": "P-256", "kty": "EC",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        assert_eq!(part(&proof, 0), json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": public}));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for method in ["", "GET ", "G\nT", "GET / HTTP/1.1"] {
            assert_eq!(check_method(method).unwrap_err().code(), "option_invalid", "{method}");
        }
        for url in ["", "/orders", "mailto:a@b.example", "data:text/plain,a", "https://"] {
            assert!(check_url(url).unwrap_err().message().starts_with("`url` must be"), "{url}");
        }
    }
}
