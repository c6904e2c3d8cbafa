//! No socket of the library raises SIGPIPE: it would end the program whose thread drives.
#![cfg(unix)]

#[path = "../src/transport/quiet.rs"]
mod quiet;

use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quiet::Quiet;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

async fn write_to_a_closed_end(mut socket: impl AsyncWrite + Unpin) {
    let pieces = [IoSlice::new(b"a"), IoSlice::new(b"b")];
    let error = socket.write_vectored(&pieces).await.expect_err("nobody reads");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_write_to_a_closed_connection_raises_no_signal() {
    let raised = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGPIPE, raised.clone()).unwrap();
    let closed = || UnixStream::pair().map(|(ours, _)| ours).unwrap();
    write_to_a_closed_end(Quiet(closed())).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    drop(listener.accept().await.unwrap());
    // The first write is what the closed end answers with a reset.
    while stream.write(b"a").await.is_ok() {
        tokio::task::yield_now().await;
    }
    write_to_a_closed_end(Quiet(stream)).await;
    assert!(!raised.load(Ordering::SeqCst));
    write_to_a_closed_end(closed()).await;
    assert!(raised.load(Ordering::SeqCst), "a bare socket does");
}
