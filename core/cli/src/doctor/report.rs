//! What the doctor has found, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use crate::failure::Failure;

/// What is checked, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Configuration,
    Secret,
    Dns,
    Connection,
    Tls,
    Discovery,
    Clock,
    Authentication,
    Store,
}

impl Stage {
    pub(super) const ALL: [Stage; 9] = [
        Stage::Configuration,
        Stage::Secret,
        Stage::Dns,
        Stage::Connection,
        Stage::Tls,
        Stage::Discovery,
        Stage::Clock,
        Stage::Authentication,
        Stage::Store,
    ];

    fn name(self) -> &'static str {
        match self {
            Stage::Configuration => "configuration",
            Stage::Secret => "secret",
            Stage::Dns => "dns",
            Stage::Connection => "connection",
            Stage::Tls => "tls",
            Stage::Discovery => "discovery",
            Stage::Clock => "clock",
            Stage::Authentication => "authentication",
            Stage::Store => "store",
        }
    }
}

/// How a step went: `ok`, `warning`, `failed` or `skipped`.
#[derive(Debug)]
struct Step {
    stage: Stage,
    status: &'static str,
    detail: String,
    fix: Option<String>,
}

/// The steps so far, and the failure that ended them.
#[derive(Debug, Default)]
pub(super) struct Report {
    steps: Vec<Step>,
    failure: Option<Failure>,
}

impl Report {
    fn add(&mut self, stage: Stage, status: &'static str, detail: String, fix: Option<String>) {
        self.steps.push(Step { stage, status, detail, fix });
    }

    pub(super) fn pass(&mut self, stage: Stage, detail: String) {
        self.add(stage, "ok", detail, None);
    }

    pub(super) fn warn(&mut self, stage: Stage, detail: String, fix: &str) {
        self.add(stage, "warning", detail, Some(fix.to_owned()));
    }

    pub(super) fn skip(&mut self, stage: Stage, why: &str) {
        self.add(stage, "skipped", why.to_owned(), None);
    }

    /// The end: the failure, what to do about it (`advice` where it does not say), and what could not be checked.
    pub(super) fn fail(mut self, stage: Stage, failure: Failure, advice: Option<String>) -> Report {
        let done: Vec<Stage> = self.steps.iter().map(|step| step.stage).collect();
        let fix = failure.hint.clone().or(advice);
        self.add(stage, "failed", format!("{} ({}): {}", failure.kind.name(), failure.code, failure.message), fix);
        for later in Stage::ALL.into_iter().filter(|later| *later != stage && !done.contains(later)) {
            self.skip(later, "not reached");
        }
        self.failure = Some(failure);
        self
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// `ok`, `steps` and, after a failure, `error`.
    pub(super) fn to_json(&self) -> Value {
        let step = |step: &Step| json!({"step": step.stage.name(), "status": step.status, "detail": step.detail, "fix": step.fix});
        let mut report = json!({
            "ok": self.failure.is_none(),
            "steps": self.steps.iter().map(step).collect::<Value>(),
        });
        if let Some(failure) = &self.failure {
            report["error"] = failure.to_json();
        }
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let status = if step.status == "failed" { "FAILED" } else { step.status };
            writeln!(f, "{status:<9}{:<16}{}", step.stage.name(), step.detail)?;
            if let Some(fix) = &step.fix {
                writeln!(f, "{:25}what to do: {fix}", "")?;
            }
        }
        f.write_str(if self.failure.is_none() { "a token can be had" } else { "no token can be had" })
    }
}
