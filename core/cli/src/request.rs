//! The request that a proof is made for, where the token is bound to a key (RFC 9449 section 7.1).

use std::ffi::OsString;

use tokenwell::{AccessToken, Client};

use crate::arguments::Arguments;
use crate::failure::Failure;

/// A request's method and URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
}

/// curl's options that say what the method is, if `-X` does not.
const METHODS: [(&str, &[&str]); 4] = [
    ("GET", &["-G", "--get"]),
    ("HEAD", &["-I", "--head"]),
    ("PUT", &["-T", "--upload-file"]),
    (
        "POST",
        &["-d", "-F", "--data", "--data-ascii", "--data-binary", "--data-raw", "--data-urlencode", "--form", "--json"],
    ),
];

impl Request {
    /// The one request that these arguments of curl make, as far as they can be read: the only one that begins as a web address,
    /// and the method's options where they stand alone.
    pub(crate) fn of_curl(args: &[OsString]) -> Option<Request> {
        let texts: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
        let is_url = |text: &&&str| text.starts_with("https://") || text.starts_with("http://");
        let mut urls = texts.iter().filter(is_url);
        let (url, None) = (urls.next()?, urls.next()) else { return None };
        let named = texts.windows(2).find(|pair| ["-X", "--request"].contains(&pair[0])).map(|pair| pair[1]);
        let implied = || METHODS.iter().find(|(_, options)| texts.iter().any(|text| options.contains(text)));
        let method = named.or_else(|| implied().map(|(method, _)| *method)).unwrap_or("GET");
        Some(Request { method: method.to_owned(), url: (*url).to_owned() })
    }
}

/// The request that `--url` and `--method` name.
pub(crate) fn of_flags(arguments: &Arguments) -> Option<Request> {
    let method = arguments.method.clone().unwrap_or_else(|| "GET".to_owned());
    arguments.url.clone().map(|url| Request { method, url })
}

/// The headers of a request with this token: `Authorization`, and `DPoP` where the token is bound to the client's key.
pub(crate) fn headers(
    client: &Client,
    token: &AccessToken,
    request: Option<Request>,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut headers = vec![("Authorization", token.authorization().to_owned())];
    if token.token_type() == "DPoP" {
        let request = request.ok_or_else(|| {
            let message = "the token is bound to a key and goes with a proof for one request, which is not known";
            Failure::config("arguments_invalid", message)
                .with_hint("name the request: --url https://api.example.com/orders --method GET")
        })?;
        headers.push(("DPoP", client.dpop_proof(&request.method, &request.url, token.value())?));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_of_curl() {
        let of = |args: &[&str]| {
            let request = Request::of_curl(&args.iter().map(OsString::from).collect::<Vec<_>>());
            request.map(|request| format!("{} {}", request.method, request.url))
        };
        let url = "https://api.example.com/a";
        for (args, expected) in [
            (&["-s", url][..], Some("GET https://api.example.com/a")),
            (&["-X", "PATCH", "-d", "@file", url], Some("PATCH https://api.example.com/a")),
            (&[url, "--json", "{}"], Some("POST https://api.example.com/a")),
            (&["-G", "-d", "a=b", url], Some("GET https://api.example.com/a")),
            (&["-I", url], Some("HEAD https://api.example.com/a")),
            (&["-T", "file", url], Some("PUT https://api.example.com/a")),
            (&["api.example.com"], None),
            (&[url, url], None),
        ] {
            assert_eq!(of(args).as_deref(), expected, "{args:?}");
        }
    }
}
