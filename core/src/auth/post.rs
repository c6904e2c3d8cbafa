//! `client_secret_post`: id and secret as form parameters (RFC 6749 section 2.3.1).

use super::{ClientAuthentication, Outgoing, secret};
use crate::config::Config;

pub(super) struct Post;

impl ClientAuthentication for Post {
    fn apply(&self, config: &Config, outgoing: &mut Outgoing) {
        outgoing.form.add("client_id", &config.client_id);
        outgoing.form.add("client_secret", secret(config));
    }
}
