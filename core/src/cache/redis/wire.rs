//! The protocol of Redis (RESP2), as far as the store speaks it: a few commands, and answers of one value. A client crate knows all
//! commands and all types, which would be 150 KB more in every library that is made of this one.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::super::LONGEST_ENTRY;

/// The longest wait for an answer: by then nobody waits any more who asked for a token.
const LONGEST_ANSWER: Duration = Duration::from_secs(1);
/// The bytes of a line and the items of a list. Nothing that the store asks for comes near.
const LONGEST_LINE: u64 = 16 * 1024;
const LONGEST_LIST: usize = 16;

/// What an answer is.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Done,
    Number(i64),
    Bytes(Vec<u8>),
    Nothing,
    List(Vec<Reply>),
}

/// Why there is none.
#[derive(Debug, PartialEq)]
pub(super) enum Fault {
    /// The way to the server fails, the answer is late, or it is none in this protocol.
    Way(io::ErrorKind),
    /// The server's error, which begins with its code.
    Refusal(String),
    /// The same for the login and the choice of a database.
    NoEntry(String),
    /// Nobody was asked.
    Unasked(&'static str),
}

impl Fault {
    pub(super) const LATE: Fault = Fault::Way(io::ErrorKind::TimedOut);
    const ENDED: Fault = Fault::Way(io::ErrorKind::UnexpectedEof);
    const GARBLED: Fault = Fault::Way(io::ErrorKind::InvalidData);

    /// The code of the server's error.
    pub(super) fn code(&self) -> Option<&str> {
        self.words().next()
    }

    /// The server's error, word by word.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let text = match self {
            Fault::Refusal(text) | Fault::NoEntry(text) => text,
            Fault::Way(_) | Fault::Unasked(_) => "",
        };
        text.split_ascii_whitespace()
    }

    /// Whether the connection has ended, which it may have done long before if it was kept.
    pub(super) fn is_end(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
        matches!(self, Fault::Way(BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Way(error.kind())
    }
}

/// A command with its arguments, as it is sent.
#[derive(Clone)]
pub(super) struct Command(Arc<Zeroizing<Vec<u8>>>);

impl Command {
    pub(super) fn new(words: &[&[u8]]) -> Command {
        // Room for all of it, lengths too: growing would leave a copy of a password behind.
        let room = words.iter().map(|word| word.len() + 32).sum::<usize>() + 32;
        let mut bytes = Vec::with_capacity(room);
        // Writing into memory does not fail.
        let _ = write!(bytes, "*{}\r\n", words.len());
        for word in words {
            let _ = write!(bytes, "${}\r\n", word.len());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        Command(Arc::new(Zeroizing::new(bytes)))
    }
}

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that several may use at once: answers come in the order of the questions. It ends with its last handle.
#[derive(Clone)]
pub(super) struct Connection(mpsc::UnboundedSender<(Command, Asker)>);

type Asker = oneshot::Sender<Result<Reply, Fault>>;

impl Connection {
    /// Must be called in a runtime.
    pub(super) fn new(stream: Box<dyn Stream>) -> Connection {
        let (questions, asked) = mpsc::unbounded_channel();
        drop(tokio::spawn(carry(stream, asked)));
        Connection(questions)
    }

    pub(super) async fn ask(&self, command: &Command) -> Result<Reply, Fault> {
        let (asker, answer) = oneshot::channel();
        self.0.send((command.clone(), asker)).map_err(|_| Fault::ENDED)?;
        timeout(LONGEST_ANSWER, answer).await.map_err(|_| Fault::LATE)?.unwrap_or(Err(Fault::ENDED))
    }
}

/// Sends what is asked and hands out the answers, until one of the two fails or nobody has the connection any more.
async fn carry(stream: Box<dyn Stream>, mut questions: mpsc::UnboundedReceiver<(Command, Asker)>) {
    let (reading, mut writing) = tokio::io::split(stream);
    let (waiting, mut askers) = mpsc::unbounded_channel::<Asker>();
    let send = async move {
        while let Some((command, asker)) = questions.recv().await {
            // First, or the answer could be there before the one that it is for.
            let _ = waiting.send(asker);
            writing.write_all(&command.0).await?;
            writing.flush().await?;
        }
        io::Result::Ok(())
    };
    let receive = async move {
        let mut reading = BufReader::new(reading);
        while let Some(asker) = askers.recv().await {
            let reply = read(&mut reading).await;
            let is_over = matches!(reply, Err(Fault::Way(_)));
            let _ = asker.send(reply);
            if is_over {
                break;
            }
        }
    };
    tokio::select! {
        _ = send => {}
        () = receive => {}
    }
}

type Source<'a> = &'a mut (dyn AsyncBufRead + Send + Unpin);

/// One answer.
pub(super) async fn read(source: Source<'_>) -> Result<Reply, Fault> {
    let line = line(source).await?;
    let Some(length) = line.strip_prefix('*') else { return value(source, &line).await };
    let length = match length.parse() {
        Ok(length @ 0..=LONGEST_LIST) => length,
        _ if length == "-1" => return Ok(Reply::Nothing),
        _ => return Err(Fault::GARBLED),
    };
    let mut list = Vec::with_capacity(length);
    for _ in 0..length {
        let line = self::line(source).await?;
        // An error in a list is none that the store's commands have.
        list.push(value(source, &line).await.map_err(|_| Fault::GARBLED)?);
    }
    Ok(Reply::List(list))
}

/// The value that begins with this line.
async fn value(source: Source<'_>, line: &str) -> Result<Reply, Fault> {
    let Some((kind, text)) = line.split_at_checked(1) else { return Err(Fault::GARBLED) };
    match kind {
        "+" => Ok(Reply::Done),
        "-" => Err(Fault::Refusal(text.to_owned())),
        ":" => text.parse().map(Reply::Number).map_err(|_| Fault::GARBLED),
        "$" if text == "-1" => Ok(Reply::Nothing),
        "$" => {
            // One byte more than was asked for is too many, and says so.
            let length = text.parse().ok().filter(|length| *length <= LONGEST_ENTRY + 1).ok_or(Fault::GARBLED)?;
            let mut bytes = vec![0; length + 2];
            source.read_exact(&mut bytes).await?;
            if bytes.split_off(length) != b"\r\n" {
                return Err(Fault::GARBLED);
            }
            Ok(Reply::Bytes(bytes))
        }
        _ => Err(Fault::GARBLED),
    }
}

/// One line, without its end.
async fn line(source: Source<'_>) -> Result<String, Fault> {
    let mut line = String::new();
    source.take(LONGEST_LINE).read_line(&mut line).await?;
    match line.strip_suffix("\r\n") {
        Some(text) => Ok(text.to_owned()),
        None => Err(Fault::ENDED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: &[u8]) -> Result<Reply, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read(&mut &*bytes))
    }

    #[test]
    fn a_command_is_a_list_of_words_with_their_lengths() {
        let command = Command::new(&[b"SET", b"a\r\n", b""]);
        assert_eq!(command.0.as_slice(), b"*3\r\n$3\r\nSET\r\n$3\r\na\r\n\r\n$0\r\n\r\n");
    }

    #[test]
    fn answers() {
        let bytes = |text: &str| Reply::Bytes(text.as_bytes().to_vec());
        assert_eq!(answer(b"+OK\r\n"), Ok(Reply::Done));
        assert_eq!(answer(b":-12\r\n"), Ok(Reply::Number(-12)));
        assert_eq!(answer(b"$4\r\na\r\nb\r\n"), Ok(bytes("a\r\nb")));
        assert_eq!(answer(b"$0\r\n\r\n"), Ok(bytes("")));
        assert_eq!(answer(b"$-1\r\n"), Ok(Reply::Nothing));
        assert_eq!(answer(b"*-1\r\n"), Ok(Reply::Nothing));
        assert_eq!(answer(b"*2\r\n$1\r\na\r\n$2\r\n12\r\n"), Ok(Reply::List(vec![bytes("a"), bytes("12")])));
        let refusal = answer(b"-MOVED 3999 127.0.0.1:6381\r\n").unwrap_err();
        assert_eq!(refusal.code(), Some("MOVED"));
        assert_eq!(refusal.words().nth(2), Some("127.0.0.1:6381"));
    }

    #[test]
    fn what_is_no_answer() {
        let long = [b"+".as_slice(), &[b'a'; 20_000], b"\r\n"].concat();
        let cut: [&[u8]; 6] = [b"", b"+OK", b"+OK\n", b"$3\r\nab", b"*2\r\n:1\r\n", &long];
        for bytes in cut {
            assert!(answer(bytes).is_err_and(|fault| fault.is_end()), "{bytes:?}");
        }
        let garbled: [&[u8]; 10] = [
            b"\r\n",
            b"HTTP/1.1 400\r\n",
            b":a\r\n",
            b"$a\r\n",
            b"$-2\r\n",
            b"$2\r\nabc\r\n",
            b"$99999999999\r\n",
            b"*99\r\n",
            b"*1\r\n*1\r\n:1\r\n",
            b"*1\r\n-ERR\r\n",
        ];
        for bytes in garbled {
            assert_eq!(answer(bytes), Err(Fault::GARBLED), "{bytes:?}");
        }
        assert_eq!(answer(b"+\xff\r\n"), Err(Fault::GARBLED));
        assert_eq!(answer("é\r\n".as_bytes()), Err(Fault::GARBLED));
    }
}
