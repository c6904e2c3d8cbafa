//! Where a secret comes from. Read anew for each fetch, so that a rotated secret needs no restart.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::aside;
use crate::error::{Error, ErrorKind, reason};
use crate::secret::{Secret, clean, wipe_stack};

mod keyring;

/// A command has so long to print the secret, at most.
pub(crate) const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// No secret, key or token is longer, bytes.
const LONGEST: usize = 64 * 1024;

/// A secret, or where it is read from.
#[derive(Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Source {
    /// The secret itself.
    #[schemars(with = "String")]
    Value(Secret),
    /// An environment variable.
    Env(FromEnv),
    /// A file. One line end at its end does not count.
    File(FromFile),
    /// A program and its arguments; no shell. It prints the secret; one line end at its end does not count.
    Command(FromCommand),
    /// An entry of the system's key ring.
    Keyring(Box<FromKeyring>),
}

/// `{"env": NAME}`
#[derive(Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FromEnv {
    /// Name of the environment variable.
    env: String,
}

/// `{"file": PATH}`
#[derive(Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FromFile {
    /// Path of the file.
    file: PathBuf,
}

/// `{"command": [ARGV...]}`
#[derive(Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FromCommand {
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    command: Vec<String>,
}

/// `{"keyring": {"service": S, "account": A}}`
#[derive(Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FromKeyring {
    /// The entry.
    keyring: keyring::Entry,
}

/// By hand, since a derived reader takes a list for an object.
impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Source, D::Error> {
        let no_source = || D::Error::custom("not a source");
        let members = match Value::deserialize(deserializer)? {
            Value::String(text) => return Ok(Source::Value(Secret::new(text))),
            Value::Object(members) if members.len() == 1 => members,
            _ => return Err(no_source()),
        };
        let (name, value) = members.into_iter().next().ok_or_else(no_source)?;
        match (name.as_str(), value) {
            // A key in place of its name is not to be shown.
            (_, Value::String(text)) if is_key(&text) => Err(no_source()),
            ("env", Value::String(env)) => Ok(Source::Env(FromEnv { env })),
            ("file", Value::String(file)) => {
                // Absolute, so that a change of the working directory does not make it another file under the same name.
                let file = std::path::absolute(&file).unwrap_or_else(|_| file.into());
                Ok(Source::File(FromFile { file }))
            }
            ("command", value @ Value::Array(_)) => {
                let command: Vec<String> = serde_json::from_value(value).map_err(|_| no_source())?;
                match command.first() {
                    Some(program) if !is_key(program) => Ok(Source::Command(FromCommand { command })),
                    _ => Err(no_source()),
                }
            }
            ("keyring", value @ Value::Object(_)) => {
                let keyring: keyring::Entry = serde_json::from_value(value).map_err(|_| no_source())?;
                if keyring.identity().iter().any(|name| is_key(name)) {
                    return Err(no_source());
                }
                Ok(Source::Keyring(Box::new(FromKeyring { keyring })))
            }
            _ => Err(no_source()),
        }
    }
}

impl Source {
    /// Reads the secret, and whether its file can be read by everybody. On the library's runtime: a file or a program can take
    /// its time, a program at most `patience`.
    pub(crate) async fn read(&self, patience: Duration) -> Result<(Secret, bool), Error> {
        if let Source::Value(secret) = self {
            return Ok((secret.clone(), false));
        }
        let source = self.clone();
        let read = aside::block(move || {
            let read = source.read_now(patience);
            wipe_stack();
            Ok((read?, source.is_exposed()))
        });
        let read = read.await;
        read.unwrap_or_else(|_| Err(Error::internal("the reading of a secret ended in a fault inside the library")))
    }

    /// Whether it can hold something else the next time.
    pub(crate) fn can_change(&self) -> bool {
        !matches!(self, Source::Value(_))
    }

    pub(crate) fn is_command(&self) -> bool {
        matches!(self, Source::Command(_) | Source::Keyring(_))
    }

    /// Whether it is a file that every user of the machine can read.
    #[cfg(unix)]
    pub(crate) fn is_exposed(&self) -> bool {
        use std::os::unix::fs::PermissionsExt;
        let Source::File(from) = self else { return false };
        std::fs::metadata(&from.file)
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o004 != 0)
    }

    #[cfg(not(unix))]
    pub(crate) fn is_exposed(&self) -> bool {
        false
    }

    /// The error for such a file, where the options ask for it.
    pub(crate) fn exposed(&self) -> Error {
        self.fault("secret_file_exposed", "can be read by every user of this machine")
            .with_hint("take that right away (chmod o-r), or leave `require_private_files` out")
    }

    /// An empty text counts as not given, as an empty variable does.
    pub(crate) fn is_given(&self) -> bool {
        self.value() != Some("")
    }

    /// The secret, if it is in the options themselves.
    pub(crate) fn value(&self) -> Option<&str> {
        match self {
            Source::Value(secret) => Some(secret.expose()),
            _ => None,
        }
    }

    /// What tells this source from another, without reading it.
    pub(crate) fn identity(&self) -> Vec<String> {
        match self {
            Source::Value(secret) => vec!["value".to_owned(), secret.expose().to_owned()],
            Source::Env(from) => vec!["env".to_owned(), from.env.clone()],
            Source::File(from) => vec!["file".to_owned(), from.file.to_string_lossy().into_owned()],
            Source::Command(from) => [vec!["command".to_owned()], from.command.clone()].concat(),
            Source::Keyring(from) => [vec!["keyring".to_owned()], from.keyring.identity()].concat(),
        }
    }

    /// Reads the secret on this thread. A program is ended after `patience`.
    pub(crate) fn read_now(&self, patience: Duration) -> Result<Secret, Error> {
        let bytes = match self {
            Source::Value(secret) => return Ok(secret.clone()),
            Source::Env(from) => return self.read_env(&from.env),
            Source::File(from) => self.read_file(from)?,
            Source::Command(from) => self.read_command(&from.command, patience)?,
            Source::Keyring(from) => self.read_keyring(&from.keyring, patience)?,
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| self.fault("secret_invalid", "is not UTF-8"))?;
        self.checked(text.strip_suffix('\n').unwrap_or(text))
    }

    fn read_env(&self, name: &str) -> Result<Secret, Error> {
        match std::env::var(name).map(Zeroizing::new) {
            Ok(text) => self.checked(&text),
            Err(std::env::VarError::NotPresent) => Err(self.fault("secret_env_missing", "is not set")),
            Err(std::env::VarError::NotUnicode(_)) => Err(self.fault("secret_invalid", "is not UTF-8")),
        }
    }

    fn read_file(&self, from: &FromFile) -> Result<Zeroizing<Vec<u8>>, Error> {
        let unreadable = |error: std::io::Error| {
            self.fault("secret_file_unreadable", &format!("cannot be read: {}", reason(&error)))
        };
        // A pipe would be waited for, and gives its content once.
        if !std::fs::metadata(&from.file).map_err(unreadable)?.is_file() {
            return Err(self.fault("secret_file_unreadable", "is not a regular file"));
        }
        bounded(std::fs::File::open(&from.file).map_err(unreadable)?).map_err(unreadable)
    }

    #[cfg(any(windows, target_os = "macos"))]
    fn read_keyring(&self, entry: &keyring::Entry, _patience: Duration) -> Result<Zeroizing<Vec<u8>>, Error> {
        entry.read().map_err(|why| self.fault("secret_keyring_failed", &why).with_hint(keyring::HINT))
    }

    #[cfg(not(any(windows, target_os = "macos")))]
    fn read_keyring(&self, entry: &keyring::Entry, patience: Duration) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.read_command(&entry.command(), patience)
    }

    fn read_command(&self, command: &[String], patience: Duration) -> Result<Zeroizing<Vec<u8>>, Error> {
        let failed = |why: &str| match self {
            Source::Keyring(_) => self.fault("secret_keyring_failed", why).with_hint(keyring::HINT),
            _ => self.fault("secret_command_failed", why),
        };
        let (program, arguments) = command.split_first().ok_or_else(|| failed("names no program"))?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| {
            let failure = failed(&format!("cannot be started: {}", reason(&error)));
            match program.contains(' ') {
                true => failure.with_hint(
                    "give the program and each of its arguments as an item of its own: [\"cat\", \"/run/secret\"]",
                ),
                false => failure,
            }
        })?;
        // Read beside the wait, or a program that prints much would wait for us while we wait for it.
        let output = child.stdout.take().map(Gather::start);
        let errors = child.stderr.take().map(Gather::start);
        let Some(end) = wait(&mut child, patience) else {
            let why = format!("did not end within {} s", patience.as_secs_f64());
            return Err(self.fault("secret_command_timeout", &why));
        };
        let output = output.map(Gather::take).unwrap_or_default();
        let errors = errors.map(Gather::take).unwrap_or_default();
        match end {
            Some(status) if !status.success() => {
                // A shell that traces its steps prints what it prints.
                let printed: Vec<String> =
                    String::from_utf8_lossy(&output).split_whitespace().map(str::to_owned).collect();
                let said = clean(&String::from_utf8_lossy(&errors), 200, &printed);
                let colon = if said.is_empty() { "" } else { ": " };
                Err(failed(&format!("failed ({status}){colon}{said}")))
            }
            _ => Ok(output),
        }
    }

    /// What a credential must not be: empty, or with the control characters that a careless copy leaves.
    fn checked(&self, text: &str) -> Result<Secret, Error> {
        // Keys, certificates and assertions come in lines; what has lines is checked by its reader.
        let lines = is_key(text);
        match text.chars().find(|c| c.is_control()) {
            _ if text.is_empty() => Err(self.fault("secret_empty", "is empty")),
            Some('\r') if text.ends_with('\r') && !lines => {
                Err(self.fault("secret_invalid", "ends with a carriage return: remove it"))
            }
            Some(c) if !lines => {
                Err(self
                    .fault("secret_invalid", &format!("contains the control character U+{:04X}: remove it", c as u32)))
            }
            _ => Ok(Secret::new(text)),
        }
    }

    pub(crate) fn fault(&self, code: &'static str, why: &str) -> Error {
        Error::new(ErrorKind::Secret, code, format!("{self} {why}"))
            .with_hint("put it right; it is read again for each token request, so no restart is needed")
    }
}

/// Whether it is PEM, at times with text before it, or JSON.
fn is_key(text: &str) -> bool {
    text.contains("-----BEGIN ") || text.trim_start().starts_with('{')
}

/// Reads at most LONGEST bytes; a longer content is cut and fails later as what it should have been.
fn bounded(from: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // Its whole size at once, so that growing leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
    from.take(LONGEST as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The program's end, `Some(None)` where the host program takes the status of its children itself, `None` after the program
/// was killed for taking too long.
fn wait(child: &mut Child, patience: Duration) -> Option<Option<ExitStatus>> {
    let until = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(Some(status)),
            Err(_) => return Some(None),
            Ok(None) if Instant::now() > until => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// What a pipe gives, gathered on a thread of its own.
struct Gather(mpsc::Receiver<Zeroizing<Vec<u8>>>);

impl Gather {
    fn start(pipe: impl Read + Send + 'static) -> Gather {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut pipe = pipe.take(LONGEST as u64);
            let mut chunk = Zeroizing::new([0; 4096]);
            while let Ok(length @ 1..) = pipe.read(chunk.as_mut_slice()) {
                if sender.send(Zeroizing::new(chunk[..length].to_vec())).is_err() {
                    break;
                }
            }
        });
        Gather(receiver)
    }

    /// All of it. The program has ended: a pipe that a process it left behind holds open is given up after a second of silence.
    fn take(self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
        while let Ok(chunk) = self.0.recv_timeout(Duration::from_secs(1)) {
            bytes.extend_from_slice(&chunk);
        }
        bytes
    }
}

/// Names the source, never its content.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Value(_) => f.write_str("the given secret"),
            Source::Env(from) => write!(f, "the environment variable {}", clean(&from.env, 100, &[])),
            Source::File(from) => write!(f, "the file {}", from.file.display()),
            // Arguments can be secrets, those too that were written into one text with the program.
            Source::Command(from) => {
                let program = from.command.first().map_or("", String::as_str);
                let is_path = std::path::Path::new(program).exists();
                let shown = if is_path { Some(program) } else { program.split(' ').next() };
                write!(f, "the command {}", shown.unwrap_or_default())
            }
            Source::Keyring(from) => write!(f, "the key ring's entry {}", from.keyring),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted: {self}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> Result<String, String> {
        let source: Source = serde_json::from_value(json).unwrap();
        source
            .read_now(COMMAND_TIMEOUT)
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| error.code().to_owned())
    }

    #[cfg(unix)]
    fn command(script: &str) -> Result<String, String> {
        read(serde_json::json!({"command": ["sh", "-c", script]}))
    }

    #[cfg(unix)] // a shell
    #[test]
    fn f28_a_command_prints_the_secret() {
        assert_eq!(command("echo hush"), Ok("hush".to_owned()));
        assert_eq!(command("printf 'hush\\r\\n'"), Err("secret_invalid".to_owned()));
        assert_eq!(command("echo hush; sleep 20 &"), Ok("hush".to_owned()), "a process left behind is not waited for");
        assert_eq!(command("true"), Err("secret_empty".to_owned()));
        assert_eq!(command("echo hush; exit 3"), Err("secret_command_failed".to_owned()));
        assert_eq!(
            command("head -c 300000 /dev/zero"),
            Err("secret_command_failed".to_owned()),
            "too much to be a secret"
        );
        assert_eq!(read(serde_json::json!({"command": ["/no/such/program"]})), Err("secret_command_failed".to_owned()));
    }

    #[test]
    fn s30_a_command_is_named_by_its_program_alone() {
        let shown = |command: &[&str]| {
            serde_json::from_value::<Source>(serde_json::json!({"command": command})).unwrap().to_string()
        };
        assert_eq!(shown(&["vault", "hush"]), "the command vault");
        assert_eq!(shown(&["vault --token hush"]), "the command vault");
        let folder = std::env::temp_dir().join(format!("a folder of {}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let there = folder.to_str().unwrap();
        assert_eq!(shown(&[there, "hush"]), format!("the command {there}"));
        std::fs::remove_dir(&folder).unwrap();
    }

    #[cfg(unix)] // a shell
    #[test]
    fn s30_a_failing_command_shows_its_stderr_and_not_its_stdout() {
        let source: Source = serde_json::from_value(
            serde_json::json!({"command": ["sh", "-c", "echo hush; echo no vault >&2; exit 1"]}),
        )
        .unwrap();
        let error = source.read_now(COMMAND_TIMEOUT).unwrap_err();
        assert!(error.message().contains("no vault") && !format!("{error:?}").contains("hush"), "{error}");
        let source: Source =
            serde_json::from_value(serde_json::json!({"command": ["sh", "-xc", "X=hush; echo $X; exit 1"]})).unwrap();
        assert!(!format!("{:?}", source.read_now(COMMAND_TIMEOUT).unwrap_err()).contains("hush"));
    }

    #[test]
    fn f28_a_missing_file_or_variable_is_named() {
        assert_eq!(read(serde_json::json!({"file": "/no/such/file"})), Err("secret_file_unreadable".to_owned()));
        assert_eq!(
            read(serde_json::json!({"env": "TOKENWELL_NO_SUCH_VARIABLE"})),
            Err("secret_env_missing".to_owned())
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn s30_a_file_that_everybody_can_read_is_counted_or_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = std::env::temp_dir().join(format!("tokenwell-exposed-{}", std::process::id()));
        std::fs::write(&file, "hush").unwrap();
        let mut options = serde_json::json!({"token_endpoint": "https://a.example", "client_id": "a", "client_secret": {"file": file}});
        let lenient = crate::config::Config::from_value(options.clone()).unwrap();
        options["require_private_files"] = true.into();
        let strict = crate::config::Config::from_value(options).unwrap();
        for (mode, exposed) in [(0o600, false), (0o640, false), (0o644, true)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(crate::credential::read(&lenient).await.unwrap().exposed, exposed, "{mode:o}");
            let refusal = crate::credential::read(&strict).await.err();
            assert_eq!(refusal.as_ref().map(Error::code), exposed.then_some("secret_file_exposed"), "{mode:o}");
        }
        std::fs::remove_file(&file).unwrap();
    }
}
