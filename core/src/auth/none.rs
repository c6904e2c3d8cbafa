//! `none`: a public client names itself and proves nothing (RFC 6749 section 2.1).

use super::{ClientAuthentication, Outgoing};
use crate::config::Config;

pub(super) struct None;

impl ClientAuthentication for None {
    fn apply(&self, config: &Config, outgoing: &mut Outgoing) {
        outgoing.form.add("client_id", &config.client_id);
    }
}
