//! Writing answers by hand, because a fault is a matter of single bytes.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::http::{Connection, Transport};
use crate::response::{Body, Response};
use crate::script::Fault;

/// The pause between two bytes of a slow answer.
const SLOW: Duration = Duration::from_millis(50);
/// How many bytes are promised and never sent.
const MISSING: u64 = 10;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Framing {
    Length(u64),
    Chunked,
    /// The end of the connection is the end of the body, or the headers of the script say what they like.
    Unframed,
    /// A status that has no body (RFC 9112, 6.3).
    Nothing,
}

/// Writes an answer; `Ok(true)` when the connection can be used again.
pub(crate) async fn deliver<S: Transport>(
    connection: &mut Connection<S>,
    mut response: Response,
    fault: Option<Fault>,
    keep_alive: bool,
) -> io::Result<bool> {
    if response.gzip {
        compress(&mut response).await?;
    }
    let framing = framing(&response, fault);
    let asked_to_close = response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let cut_short = matches!(fault, Some(Fault::TruncatedChunked | Fault::ContentLengthTooLong));
    let keep_alive = keep_alive && !asked_to_close && !cut_short && framing != Framing::Unframed;
    // A fault that ends the connection early must look like any other answer until then.
    let announce_close = !keep_alive && !asked_to_close && !cut_short;
    let head = head(&response, framing, announce_close).into_bytes();
    let slow_head = fault == Some(Fault::SlowHeaders);
    let slow_body = fault == Some(Fault::SlowBody);
    let mut pending = Vec::new();
    if slow_head || slow_body {
        send(connection, &head, slow_head).await?;
    } else {
        // Head and body go out together, so that a usual answer is one packet.
        pending = head;
    }
    let finish = fault != Some(Fault::TruncatedChunked);
    for piece in framed(&response.body, framing, finish) {
        pending.extend_from_slice(&piece);
        if fault == Some(Fault::ExtraResponse) {
            // In the same packet, so that the client has it before it sends anything else.
            pending.extend_from_slice(&unasked());
        }
        send(connection, &pending, slow_body).await?;
        pending.clear();
    }
    send(connection, &pending, false).await?;
    connection.stream.flush().await?;
    Ok(keep_alive)
}

async fn compress(response: &mut Response) -> io::Result<()> {
    let body = response.body.clone();
    // A bomb takes a while to make; other connections go on meanwhile.
    let compressed = tokio::task::spawn_blocking(move || body.gzip()).await.map_err(io::Error::other)??;
    response.body = Body::Bytes(compressed);
    if response.header("content-encoding").is_none() {
        response.set_header("Content-Encoding", ["gzip".to_owned()]);
    }
    Ok(())
}

fn framing(response: &Response, fault: Option<Fault>) -> Framing {
    let chunked = response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    match response.status {
        100..200 | 204 | 304 => Framing::Nothing,
        _ if fault == Some(Fault::TruncatedChunked) || chunked => Framing::Chunked,
        _ if fault == Some(Fault::ContentLengthTooLong) => Framing::Length(response.body.len() + MISSING),
        _ if response.unframed || response.header("content-length").is_some() => Framing::Unframed,
        _ => Framing::Length(response.body.len()),
    }
}

fn head(response: &Response, framing: Framing, announce_close: bool) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
    for (name, value) in &response.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    match framing {
        Framing::Length(length) => {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        Framing::Chunked if response.header("transfer-encoding").is_none() => {
            head.push_str("Transfer-Encoding: chunked\r\n");
        }
        _ => {}
    }
    if announce_close {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    head
}

/// The body as it stands on the wire.
fn framed(body: &Body, framing: Framing, finish: bool) -> impl Iterator<Item = Vec<u8>> {
    let chunked = framing == Framing::Chunked;
    let last = (chunked && finish).then(|| b"0\r\n\r\n".to_vec());
    let pieces = (framing != Framing::Nothing).then(|| body.pieces());
    let pieces = pieces.into_iter().flatten().map(move |piece| {
        if !chunked {
            return piece;
        }
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(&piece);
        chunk.extend_from_slice(b"\r\n");
        chunk
    });
    pieces.chain(last)
}

/// Writes, at once or byte by byte until the peer goes away.
async fn send<S: Transport>(connection: &mut Connection<S>, bytes: &[u8], slow: bool) -> io::Result<()> {
    if !slow {
        connection.stream.write_all(bytes).await?;
        return connection.stream.flush().await;
    }
    for byte in bytes {
        connection.stream.write_all(&[*byte]).await?;
        connection.stream.flush().await?;
        tokio::select! {
            () = connection.gone() => return Err(io::ErrorKind::ConnectionAborted.into()),
            () = tokio::time::sleep(SLOW) => {}
        }
    }
    Ok(())
}

/// A whole answer that nobody asked for; its token must never be used.
fn unasked() -> Vec<u8> {
    let body = r#"{"access_token":"unasked","token_type":"Bearer","expires_in":3600}"#;
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unnamed",
    }
}
