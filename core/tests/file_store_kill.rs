//! F31: processes that are killed (SIGKILL) while they hold the lock of the file store and while they write into it. A program of
//! its own, since it starts itself again as those processes.

#![allow(clippy::unwrap_used)] // in helpers of tests

use std::fs;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokenwell::{Client, Config, TokenRequest};
use tokenwell_dev_server::{DevServer, Options};

/// Under Wine a process takes half a second to start.
const KILLS: u32 = if cfg!(windows) { 50 } else { 500 };
/// Processes at a time. The oldest is killed, so that each gets to work.
const WORKERS: usize = 4;
/// Seconds that a token lives, and the number of entries: many calls find no fresh one, so that locks are taken and entries are
/// written all the time.
const LIFETIME: u32 = 1;
const ENTRIES: u32 = 300;
/// The environment variable with which this program is a process to be killed: what to do, and the options of its client.
const WORKER: &str = "TOKENWELL_TEST_WORKER";

struct Place {
    server: DevServer,
    realm: String,
    folder: PathBuf,
    options: Value,
}

impl Place {
    fn new(name: &str, script: &Value) -> Place {
        let folder = std::env::temp_dir().join(format!("tokenwell-{name}-{}", std::process::id()));
        let builder = &mut fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
        builder.create(&folder).unwrap();
        let server = DevServer::start(Options::default()).unwrap();
        let (_, made) = server.control("POST", "/realms", &json!({"script": [script]}));
        let (realm, vars) = (made["realm"].as_str().unwrap().to_owned(), &made["vars"]);
        let options = json!({
            "token_endpoint": vars["token_endpoint"], "client_id": vars["client_id"], "client_secret": vars["client_secret"],
            "cache": {"file": folder.join("store")},
        });
        Place { server, realm, folder, options }
    }

    fn client(&self) -> Client {
        client(self.options.clone())
    }

    /// A process that does this until it is killed.
    fn worker(&self, task: &str) -> Child {
        let task = json!({"task": task, "options": self.options, "ready": self.folder.join("ready")});
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "worker", "--nocapture"])
            .env(WORKER, task.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// How many the server has had.
    fn requests(&self) -> Option<u64> {
        self.server.control("GET", &format!("/realms/{}/requests", self.realm), &Value::Null).1["total"].as_u64()
    }

    /// The lengths of all entries, which differ by some digits.
    fn entries(&self) -> Vec<u64> {
        let files = fs::read_dir(self.folder.join("store")).unwrap().map(Result::unwrap);
        files.filter(|file| file.file_name().len() == 64).map(|file| file.metadata().unwrap().len()).collect()
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.join("store")).unwrap().count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn client(options: Value) -> Client {
    Client::new(Config::from_value(options).unwrap()).unwrap()
}

fn ask(client: &Client, number: u32) {
    let request = TokenRequest::default().scope(format!("entry-{}", number % ENTRIES));
    client.blocking().access_token_with(&request).unwrap();
}

fn kill(mut worker: Child) {
    worker.kill().unwrap();
    worker.wait().unwrap();
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// No test: what this program does when it is started as a worker.
#[test]
fn worker() {
    let Ok(task) = std::env::var(WORKER) else { return };
    let task: Value = serde_json::from_str(&task).unwrap();
    let client = client(task["options"].clone());
    #[cfg(unix)]
    if task["task"] == "fork while the lock is held" {
        fork_and_wait(&client, Path::new(task["ready"].as_str().unwrap()));
    }
    loop {
        // Another order in each process.
        (0..ENTRIES).for_each(|number| ask(&client, number.wrapping_mul(std::process::id())));
    }
}

/// Starts a fetch that hangs and forks a child that does nothing and lives on.
#[cfg(unix)]
#[allow(unsafe_code)] // fork(2) has no safe form; the child does nothing
fn fork_and_wait(client: &Client, ready: &Path) {
    let mut waiting = client.obtain(&TokenRequest::default());
    until("the request is sent", || client.stats().token_requests == 1);
    let child = unsafe { libc::fork() };
    if child == 0 {
        std::thread::sleep(Duration::from_secs(20));
        unsafe { libc::_exit(0) };
    }
    fs::write(ready, child.to_string()).unwrap();
    drop(waiting.wait(Duration::from_secs(60)));
}

#[test]
fn f31_five_hundred_kills_leave_no_torn_entry_and_no_locked_lock() {
    let place = Place::new("kill", &json!({"issue": {"expires_in": LIFETIME}, "times": -1}));
    let client = place.client();
    let mut longest = Duration::ZERO;
    // Numbers that are the same in each run; what they hit is not.
    let mut chance = 1_u64;
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| place.worker("fetch")).collect();
    for number in 0..KILLS {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((chance >> 33) % 30_000));
        kill(workers.remove(0));
        workers.push(place.worker("fetch"));
        let started = Instant::now();
        ask(&client, number);
        longest = longest.max(started.elapsed());
    }
    workers.into_iter().for_each(kill);
    let stats = client.stats();
    println!("the longest wait was {longest:?}; {stats:?}; {} files; {:?} requests", place.files(), place.requests());
    let lengths = place.entries();
    let (shortest, most) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
    assert!(most - shortest < 20, "no entry was torn: they have {shortest} to {most} bytes");
    assert!(stats.store_errors < u64::from(KILLS) / 10, "a busy machine makes it late at times, no more: {stats:?}");
    // A hit is rare where processes start slowly; more entries than this one has asked for are the workers' too.
    assert!(stats.store_hits > 0 || lengths.len() > KILLS as usize, "the workers got as far as to write");
    assert!(longest < Duration::from_secs(2), "a lock ends with its process, not with the wait for it: {longest:?}");

    // Drafts of those that were killed go an hour later.
    tokenwell::testing::advance_clock(2.0 * 3600.0);
    ask(&client, 0);
    until("the folder is swept", || place.files() <= 2);
}

#[cfg(unix)]
#[test]
#[allow(unsafe_code)] // kill(2) of a process that the worker made
fn f31_a_child_forked_while_the_lock_is_held_does_not_hold_it_on() {
    let place = Place::new("fork", &json!({"fault": "hang"}));
    let parent = place.worker("fork while the lock is held");
    let ready = place.folder.join("ready");
    until("the child is there", || fs::read_to_string(&ready).is_ok_and(|text| !text.is_empty()));
    until("the request arrives", || place.requests() == Some(1));
    let child: i32 = fs::read_to_string(&ready).unwrap().parse().unwrap();
    kill(parent);
    let started = Instant::now();
    let client = place.client();
    let token = client.blocking().access_token();
    let took = started.elapsed();
    assert_eq!(unsafe { libc::kill(child, libc::SIGKILL) }, 0, "the child lived on");
    assert_eq!((token.unwrap().source().as_str(), client.stats().store_errors), ("network", 0));
    assert!(took < Duration::from_secs(2), "{took:?}");
}
