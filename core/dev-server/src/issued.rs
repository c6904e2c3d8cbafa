//! The tokens that a realm has issued.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

const MAX_ISSUED: usize = 20_000;

/// What an access token stands for, besides its times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) subject: String,
    pub(crate) audience: Vec<String>,
    /// What the token is bound to (RFC 7800).
    pub(crate) cnf: Option<Value>,
    pub(crate) authorization_details: Option<Value>,
    /// Who acts for the subject (RFC 8693).
    pub(crate) act: Option<Value>,
}

/// An issued token, without the token.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) scope: Option<String>,
    pub(crate) token_type: String,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) facts: Facts,
}

impl Grant {
    /// The claims that introspection and a signed token have in common.
    pub(crate) fn claims(&self, client_id: &str) -> Value {
        let facts = &self.facts;
        let mut claims = json!({
            "client_id": client_id,
            "sub": facts.subject,
            "iat": self.issued_at,
            "exp": self.expires_at,
        });
        match facts.audience.as_slice() {
            [] => {}
            [one] => claims["aud"] = one.as_str().into(),
            several => claims["aud"] = several.into(),
        }
        let optional = [
            ("scope", self.scope.clone().map(Value::from)),
            ("cnf", facts.cnf.clone()),
            ("authorization_details", facts.authorization_details.clone()),
            ("act", facts.act.clone()),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                claims[name] = value;
            }
        }
        claims
    }
}

/// The last tokens of a realm.
#[derive(Debug, Default)]
pub(crate) struct Issued {
    tokens: VecDeque<String>,
    grants: HashMap<String, Grant>,
}

impl Issued {
    pub(crate) fn tokens(&self) -> &VecDeque<String> {
        &self.tokens
    }

    pub(crate) fn insert(&mut self, token: &str, grant: Grant) {
        if self.grants.insert(token.to_owned(), grant).is_none() {
            self.tokens.push_back(token.to_owned());
        }
        if self.tokens.len() > MAX_ISSUED
            && let Some(oldest) = self.tokens.pop_front()
        {
            self.grants.remove(&oldest);
        }
    }

    /// Knows a token that is not in the list of what was issued.
    pub(crate) fn insert_unlisted(&mut self, token: &str, grant: Grant) {
        self.grants.insert(token.to_owned(), grant);
    }

    /// The grant of a token that has neither expired nor been revoked.
    pub(crate) fn active(&self, token: &str, now: f64) -> Option<Grant> {
        self.grants.get(token).filter(|grant| now < grant.expires_at as f64).cloned()
    }

    /// Ends a token; the list of what was issued keeps it.
    pub(crate) fn revoke(&mut self, token: &str) {
        if let Some(grant) = self.grants.get_mut(token) {
            grant.expires_at = 0;
        }
    }
}
