//! What arrived at a realm, within limits.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::form::Form;
use crate::http::Request;

const MAX_ENTRIES: usize = 1000;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// A request that was read, and the status it was answered with.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: String,
    form: Map<String, Value>,
    authorization: Option<String>,
    /// `None` until an answer is written, and for ever where a fault lets none be written.
    status: Option<u16>,
}

impl Entry {
    fn new(request: &Request) -> Entry {
        let mut headers = BTreeMap::new();
        for (name, value) in &request.headers {
            headers
                .entry(name.clone())
                .and_modify(|all: &mut String| {
                    all.push_str(", ");
                    all.push_str(value);
                })
                .or_insert_with(|| value.clone());
        }
        let form = if request.is_form() { Form::parse(&request.body).unwrap_or_default() } else { Form::default() };
        Entry {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            authorization: headers.get("authorization").cloned(),
            headers,
            body: String::from_utf8_lossy(&request.body).into_owned(),
            form: form.to_json(),
            status: None,
        }
    }

    fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(k, v)| k.len() + v.len()).sum();
        // The form holds the body a second time.
        headers + 2 * self.body.len() + self.path.len() + self.query.len()
    }
}

/// The most recent requests; older ones are only counted.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    bytes: usize,
    total: u64,
}

impl Log {
    /// Adds a request and returns its number, by which its status is set later.
    pub(crate) fn push(&mut self, request: &Request) -> u64 {
        let entry = Entry::new(request);
        self.bytes += entry.size();
        self.entries.push_back(entry);
        self.total += 1;
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.size();
        }
        self.total
    }

    pub(crate) fn set_status(&mut self, number: u64, status: u16) {
        let forgotten = self.total - self.entries.len() as u64;
        let index = number.checked_sub(forgotten + 1);
        if let Some(entry) = index.and_then(|index| self.entries.get_mut(index as usize)) {
            entry.status = Some(status);
        }
    }

    pub(crate) fn entries(&self) -> &VecDeque<Entry> {
        &self.entries
    }

    /// How many requests there have been, forgotten ones included.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}
