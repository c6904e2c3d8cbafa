//! Plays the scenarios of core/conformance against the development server, each in two modes: async and blocking.
//!
//! The cases run one after another: the library's clock belongs to the process.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use serde_json::{Map, Value, json};
use support::calls::{self, Got, Mode};
use support::compare::{self, Known};
use support::files::Folder;
use support::process::Variables;
#[cfg(unix)]
use support::process::fork;
use support::realm::{Realm, send};
use support::redis::Redis;
use tokenwell::{Client, Config, Error, TokenRequest, testing};
use tokenwell_dev_server::{DevServer, Options};

mod support;

/// Differences in words, or nothing.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let server = Arc::new(DevServer::start(Options::default()).expect("the development server starts"));
    let mut trials = Vec::new();
    for scenario in scenarios() {
        for case in scenario["cases"].as_array().expect("a scenario has cases") {
            for mode in [Mode::Async, Mode::Blocking] {
                trials.push(trial(&scenario["id"], case, mode, &server));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn scenarios() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/scenarios");
    let entries = std::fs::read_dir(folder).expect("the folder of scenarios is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry of the folder").path()).collect();
    if let Ok(wanted) = std::env::var("SCENARIOS") {
        let name = |file: &Path| file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.retain(|file| wanted.split(' ').any(|beginning| name(file).starts_with(beginning)));
    }
    files.sort();
    let read = |file| {
        serde_json::from_slice(&std::fs::read(file).expect("a scenario can be read")).expect("a scenario is JSON")
    };
    files.iter().map(read).collect()
}

fn trial(id: &Value, case: &Value, mode: Mode, server: &Arc<DevServer>) -> Trial {
    let name = |value: &Value| value.as_str().expect("a name").to_owned();
    let mut title = format!("{} {} [{}]", name(id), name(&case["name"]), format!("{mode:?}").to_lowercase());
    let reason = case["not"]["rust"].as_str().or_else(|| not_here(case));
    if let Some(reason) = reason {
        title = format!("{title} (not in Rust: {reason})");
    }
    let (case, server) = (case.clone(), Arc::clone(server));
    let play = move || Play::case(&case, mode, &server.info().control).map_err(Into::into);
    Trial::test(title, play).with_ignored_flag(reason.is_some())
}

/// What Windows lacks of what a case needs.
fn not_here(case: &Value) -> Option<&'static str> {
    let needs = [
        (r#""fork":"#, "no fork"),
        (r#""chmod":"#, "no modes of files"),
        (r#""redis":"#, "no Redis server"),
        (r#"["sh","#, "no shell"),
        (r#"["echo","#, "no program `echo`"),
        (r#"["cat","#, "no program `cat`"),
        (r#""secret-tool""#, "a key ring in the process"),
        (r#""file":"/""#, "a root for each drive"),
        (r#"\"${file:"#, "paths that JSON writes otherwise"),
    ];
    let case = case.to_string();
    needs.iter().find(|(need, _)| cfg!(windows) && case.contains(need)).map(|(_, lack)| *lack)
}

/// One case on its way.
struct Play<'a> {
    case: &'a Value,
    mode: Mode,
    realm: Realm,
    redis: Option<Redis>,
    client: Option<Client>,
    folder: Folder,
    /// The token of the last call that gave one.
    last: Option<String>,
    /// Seconds that the case has moved both clocks, and the wall clock alone.
    moved: (f64, f64),
    /// What no text for people may contain.
    hidden: Vec<String>,
}

impl Play<'_> {
    fn case(case: &Value, mode: Mode, control: &str) -> Outcome {
        let server = case.get("server").cloned().unwrap_or_else(|| json!({}));
        let (mut realm, folder) = (Realm::new(control, &server), Folder::new());
        let redis = case["redis"].as_str().map(Redis::new);
        realm.vars.extend(redis.iter().flat_map(|redis| redis.vars.clone()));
        let (client, last, moved, hidden) = (None, None, (0.0, 0.0), Vec::new());
        let mut play = Play { case, mode, realm, redis, client, folder, last, moved, hidden };
        for (name, text) in case["files"].as_object().into_iter().flatten() {
            let path = play.folder.path(name).display().to_string();
            play.realm.vars.insert(format!("file:{name}"), path.into());
            if !text.is_null() {
                play.write(name, text);
            }
        }
        let environment = play.realm.fill(&case["env"]);
        play.hide(&case["never_shown"], 0);
        play.hide(&environment["TOKENWELL_CLIENT_SECRET"], 3);
        play.hide(&play.realm.vars["client_secret"].clone(), 3);
        let environment = environment.as_object().cloned().unwrap_or_default();
        let _until_the_end = Variables::set(&environment);
        let outcome = play.whole();
        testing::advance_clock(-play.moved.0);
        testing::jump_wall_clock(-play.moved.1);
        outcome
    }

    fn write(&mut self, name: &str, text: &Value) {
        assert!(self.realm.vars.contains_key(&format!("file:{name}")), "a file that `files` does not name");
        self.hide_lines(text);
        self.folder.write(name, self.realm.fill(text).as_str());
    }

    fn whole(&mut self) -> Outcome {
        let made = match self.case["from_env"].as_bool() {
            Some(true) => Client::from_env(),
            _ => self.make(self.case.get("options")),
        };
        let expect = self.realm.fill(&self.case["expect_new"]);
        match (made, expect.as_object()) {
            (Ok(client), None) => self.client = Some(client),
            (Ok(_), Some(_)) => return Err("the client was made, an error was expected".to_owned()),
            (Err(error), None) => return Err(format!("the client was not made: {error:?}")),
            (Err(error), Some(expect)) => {
                verdict(&compare::error(&error, expect))?;
                self.leaks(&shown(&Err(error)), &Value::Null)?;
                return self.step(&json!({"requests": {"count": 0}}));
            }
        }
        self.steps(&self.case["steps"])
    }

    fn steps(&mut self, steps: &Value) -> Outcome {
        for (index, step) in steps.as_array().expect("steps are a list").iter().enumerate() {
            let step = self.realm.fill(step);
            self.step(&step).map_err(|why| format!("step {}, {step}: {why}", index + 1))?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Value) -> Outcome {
        let how = ["concurrent", "with", "expect", "within", "times"];
        let mut what = step.as_object().into_iter().flatten().filter(|(name, _)| !how.contains(&name.as_str()));
        let (name, argument) = what.next().expect("a step says what it is");
        let object = || argument.as_object().expect("an object");
        let seconds = || argument.as_f64().expect("a number of seconds");
        match name.as_str() {
            "call" => return self.call(step),
            "settle" => return self.settle(),
            #[cfg(unix)]
            "fork" => {
                let times = step["times"].as_u64().unwrap_or(1);
                return (0..times).try_for_each(|_| fork(|| self.steps(argument)));
            }
            "requests" => return verdict(&compare::requests(&self.realm.log(), object())),
            "stats" => return verdict(&compare::stats(&self.client().stats(), object())),
            "cancel" => calls::abandon(self.mode, self.client(), argument.as_u64().expect("a number of calls")),
            "invalidate" => {
                let text = argument.as_str().expect("a token");
                self.client().invalidate(self.last.as_deref().filter(|_| text == "last").unwrap_or(text));
            }
            "revoke" | "introspect" => return self.question(name, object()),
            "resource" => return self.resource(object()),
            "advance" => {
                self.realm.advance(seconds());
                testing::advance_clock(seconds());
                self.moved.0 += seconds();
            }
            "jump" => {
                testing::jump_wall_clock(seconds());
                self.moved.1 += seconds();
            }
            "write" => self.write(argument["name"].as_str().expect("the name of a file"), &argument["text"]),
            #[cfg(unix)]
            "chmod" => {
                let text = |name: &str| argument[name].as_str().expect("a text");
                self.folder.change_mode(text("name"), text("mode"));
            }
            "run" => return run(argument),
            "arrived" => return self.arrived(argument.as_u64().expect("a number of requests")),
            "new_client" => {
                let options = if object().is_empty() { self.case.get("options") } else { Some(argument) };
                self.client = Some(self.make(options).map_err(|error| format!("the client was not made: {error:?}"))?);
            }
            "warned_client" => return self.warned_client(object()),
            "close" => self.client().close(),
            "redis" => return self.redis.as_mut().expect("the case has a Redis").step(argument),
            "panic" => testing::panic_in_next_flight(),
            "script" => self.realm.script(argument),
            _ => return Err("unknown step".to_owned()),
        }
        Ok(())
    }

    fn warned_client(&mut self, step: &Map<String, Value>) -> Outcome {
        self.client =
            Some(self.make(step.get("options")).map_err(|error| format!("the client was not made: {error:?}"))?);
        match (self.client().warning(), step["warning"].as_str()) {
            (None, None) => Ok(()),
            (Some(warning), Some(expected)) if warning.contains(expected) => Ok(()),
            (warning, _) => Err(format!("the warning is {warning:?}")),
        }
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("a client was made")
    }

    /// Makes a client. `{"+": {...}}` stands for the default options and these, of which null takes one away.
    fn make(&mut self, options: Option<&Value>) -> Result<Client, Error> {
        let nothing = json!({});
        let options = match options.map_or(Some(&nothing), |options| options.get("+")) {
            None => self.realm.fill(&options.cloned().unwrap_or_default()),
            Some(more) => {
                let default = json!({"token_endpoint": "${token_endpoint}", "client_id": "${client_id}", "client_secret": "${client_secret}"});
                let mut both = default.as_object().cloned().unwrap_or_default();
                both.extend(more.as_object().cloned().unwrap_or_default());
                both.retain(|_, value| !value.is_null());
                self.realm.fill(&Value::Object(both))
            }
        };
        for name in ["client_secret", "client_assertion", "subject_token", "actor_token"] {
            self.hide(&options[name], 3);
        }
        self.hide_lines(&options["tls_client_key"]);
        self.hide_lines(&options["private_key"]);
        self.hide_lines(&options["dpop_key"]);
        Client::new(Config::from_value(options)?)
    }

    fn call(&mut self, step: &Value) -> Outcome {
        let started = Instant::now();
        let method = step["call"].as_str().expect("call names a method");
        let callers = step["concurrent"].as_u64().unwrap_or(1);
        let request = step.get("with").cloned().map_or(Ok(TokenRequest::default()), TokenRequest::from_value);
        let results = match request {
            Err(error) => vec![Err(error)],
            Ok(request) => calls::together(self.mode, self.client(), method, &request, callers),
        };
        if step["within"].as_f64().is_some_and(|most| started.elapsed().as_secs_f64() > most) {
            return Err(format!("it took {:?}", started.elapsed()));
        }
        let issued = self.realm.log()["issued"].take();
        for result in &results {
            self.compare(result, &step["expect"], &issued)?;
        }
        self.last = results.iter().flatten().next().map(|got| got.token().to_owned()).or(self.last.take());
        Ok(())
    }

    /// A question about the client's own token.
    fn question(&self, name: &str, expect: &Map<String, Value>) -> Outcome {
        let answer = calls::question(self.mode, self.client(), name);
        let issued = self.realm.log()["issued"].take();
        match (answer, expect.get("error").and_then(Value::as_object)) {
            (Ok(answer), None) => verdict(&compare::members(expect, &answer)),
            (Ok(_), Some(_)) => Err("an answer came, an error was expected".to_owned()),
            (Err(error), None) => Err(format!("{error:?}")),
            (Err(error), Some(expect)) => {
                verdict(&compare::error(&error, expect))?;
                self.leaks(&shown(&Err(error)), &issued)
            }
        }
    }

    /// One request to a resource, as a program with an HTTP client of its own sends it.
    fn resource(&self, request: &Map<String, Value>) -> Outcome {
        let part = |name: &str| request[name].as_str().expect("a part of the request");
        let (method, url) = (part("method"), part("url"));
        let authorization = calls::together(self.mode, self.client(), "authorization", &TokenRequest::default(), 1);
        let got = authorization.into_iter().next().expect("one call").map_err(|error| format!("{error:?}"))?;
        let Got::Text(authorization) = &got else { return Err("authorization gives no text".to_owned()) };
        let mut headers = vec![("Authorization", authorization.clone())];
        if authorization.starts_with("DPoP ") {
            let proof = self.client().dpop_proof(method, url, got.token()).map_err(|error| format!("{error:?}"))?;
            headers.push(("DPoP", proof));
        }
        let answer = send(method, url, &headers, "");
        if let Some(nonce) = answer.header("DPoP-Nonce") {
            self.client().dpop_nonce(url, nonce);
        }
        let challenge = answer.header("WWW-Authenticate").unwrap_or_default();
        let expected = request.get("challenge").map_or("", |text| text.as_str().expect("a text"));
        match request["status"] == answer.status && challenge.contains(expected) {
            true => Ok(()),
            false => Err(format!("the resource answered {} {challenge}", answer.status)),
        }
    }

    fn compare(&self, result: &Result<Got, Error>, expect: &Value, issued: &Value) -> Outcome {
        let known = Known { last: self.last.as_deref(), issued };
        self.leaks(&shown(result), issued)?;
        match (result, expect["error"].as_object()) {
            (Err(error), Some(expect)) => verdict(&compare::error(error, expect)),
            (Err(error), None) => Err(format!("{error:?}")),
            (Ok(_), Some(_)) => Err("a token came, an error was expected".to_owned()),
            (Ok(got), None) => verdict(&compare::token(got, expect.as_object().expect("an expectation"), &known)),
        }
    }

    fn settle(&self) -> Outcome {
        until("it settled", || self.realm.log()["in_flight"] == 0 && self.client().stats().in_flight == 0)
    }

    fn arrived(&self, requests: u64) -> Outcome {
        until("the requests arrived", || self.realm.log()["total"].as_u64().is_some_and(|total| total >= requests))
    }

    fn hide(&mut self, texts: &Value, longer_than: usize) {
        let list = texts.as_array().cloned().unwrap_or_else(|| vec![texts.clone()]);
        let list = list.iter().filter_map(|text| self.realm.fill(text).as_str().map(str::to_owned));
        self.hidden.extend(list.filter(|text| text.chars().count() > longer_than));
    }

    fn hide_lines(&mut self, text: &Value) {
        let lines: Value = self.realm.fill(text).as_str().unwrap_or_default().lines().collect();
        self.hide(&lines, 3);
    }

    /// No text for people shows the secret or a token.
    fn leaks(&self, text: &str, issued: &Value) -> Outcome {
        let text = format!("{text} {:?} {:#?}", self.client, self.client);
        let issued = issued.as_array().into_iter().flatten().filter_map(Value::as_str);
        let tokens = issued.chain(self.last.as_deref()).filter(|token| token.len() > 3);
        let mut hidden = self.hidden.iter().map(String::as_str).chain(tokens);
        hidden
            .find(|hidden| text.contains(hidden))
            .map_or(Ok(()), |hidden| Err(format!("{hidden:?} is shown in {text:?}")))
    }
}

/// Waits for something that happens in at most 5 s.
fn until(what: &str, happened: impl Fn() -> bool) -> Outcome {
    let started = Instant::now();
    while !happened() {
        if started.elapsed() > Duration::from_secs(5) {
            return Err(format!("5 s went by before {what}"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// All texts for people that a result has.
fn shown(result: &Result<Got, Error>) -> String {
    match result {
        Err(error) => format!("{error} {error:?} {error:#?} {}", error.error_description().unwrap_or_default()),
        Ok(Got::Token(token)) => format!("{token:?} {token:#?}"),
        Ok(Got::Text(_)) => String::new(),
    }
}

/// Runs a program, which must succeed.
fn run(command: &Value) -> Outcome {
    let words: Vec<&str> = command.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (program, arguments) = words.split_first().expect("a program");
    match Command::new(program).args(arguments).status() {
        Ok(status) if status.success() => Ok(()),
        outcome => Err(format!("the program fails: {outcome:?}")),
    }
}

fn verdict(differences: &[String]) -> Outcome {
    if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) }
}
