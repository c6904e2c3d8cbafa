//! An answer before it is written.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// How much of a repeated body is made at a time.
const PIECE: usize = 64 * 1024;

/// Status, headers and body; the length and the connection headers are added when it is written.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// Neither a length nor chunks: the end of the connection ends the body.
    pub(crate) unframed: bool,
    pub(crate) gzip: bool,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &str, body: Body) -> Response {
        let headers = vec![
            ("Content-Type".to_owned(), content_type.to_owned()),
            ("Cache-Control".to_owned(), "no-store".to_owned()),
        ];
        Response { status, headers, body, unframed: false, gzip: false }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Response {
        let body = Body::Bytes(value.to_string().into_bytes());
        Response::new(status, "application/json", body)
    }

    pub(crate) fn empty(status: u16) -> Response {
        Response {
            status,
            headers: vec![("Cache-Control".to_owned(), "no-store".to_owned())],
            body: Body::Bytes(Vec::new()),
            unframed: false,
            gzip: false,
        }
    }

    /// An error answer as in RFC 6749, 5.2.
    pub(crate) fn oauth_error(status: u16, error: &str, description: &str) -> Response {
        let value = json!({"error": error, "error_description": description});
        Response::json(status, &value)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Sets a header to these values, in the place of what was there; none removes it.
    pub(crate) fn set_header(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.extend(values.into_iter().map(|value| (name.to_owned(), value)));
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Response {
        self.set_header(name, [value.into()]);
        self
    }
}

/// A body; a repeated one is never held in memory as a whole, so that it can be larger than memory.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Bytes(Vec<u8>),
    Repeated { prefix: String, text: String, times: u64, suffix: String },
}

impl Body {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Repeated { prefix, text, times, suffix } => {
                (text.len() as u64).saturating_mul(*times).saturating_add((prefix.len() + suffix.len()) as u64)
            }
        }
    }

    /// The body in pieces of a bounded size.
    pub(crate) fn pieces(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send + '_> {
        match self {
            Body::Bytes(bytes) => Box::new(bytes.chunks(PIECE).map(<[u8]>::to_vec)),
            Body::Repeated { prefix, text, times, suffix } => {
                let per_piece = (PIECE / text.len().max(1)).max(1) as u64;
                let whole = text.repeat(per_piece.min(*times) as usize).into_bytes();
                let rest = text.repeat((times % per_piece) as usize).into_bytes();
                let pieces = std::iter::once(prefix.clone().into_bytes())
                    .chain((0..times / per_piece).map(move |_| whole.clone()))
                    .chain([rest, suffix.clone().into_bytes()])
                    .filter(|piece| !piece.is_empty());
                Box::new(pieces)
            }
        }
    }

    /// The body, compressed.
    pub(crate) fn gzip(&self) -> io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for piece in self.pieces() {
            encoder.write_all(&piece)?;
        }
        encoder.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_whole_body() {
        for times in [0, 1, 2, 70_000, 131_072] {
            let body = Body::Repeated { prefix: "<".to_owned(), text: "ab".to_owned(), times, suffix: ">".to_owned() };
            let joined: Vec<u8> = body.pieces().flatten().collect();
            assert_eq!(joined.len() as u64, body.len());
            assert_eq!(joined, format!("<{}>", "ab".repeat(times as usize)).into_bytes());
        }
    }
}
