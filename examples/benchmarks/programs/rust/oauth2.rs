//! The crate oauth2 with reqwest, which is its default; the client is kept, and does not follow redirects, as its pages advise.

mod contestant;

use contestant::{Failure, Fetches, play, variable};
use oauth2::basic::BasicClient;
use oauth2::reqwest::{Certificate, Client, redirect};
use oauth2::{ClientId, ClientSecret, EndpointNotSet, EndpointSet, Scope, TokenResponse, TokenUrl};

type Configured = BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

struct Oauth2 {
    client: Configured,
    http: Client,
    scope: Scope,
}

impl Fetches for Oauth2 {
    const NAME: &'static str = "oauth2 with reqwest";
    const VERSION: &'static str = "5.0.0";

    async fn prepare(_: usize) -> Result<Oauth2, Failure> {
        let client = BasicClient::new(ClientId::new(variable("CLIENT_ID")?))
            .set_client_secret(ClientSecret::new(variable("CLIENT_SECRET")?))
            .set_token_uri(TokenUrl::new(variable("TOKEN_ENDPOINT")?)?);
        let root = Certificate::from_pem(&std::fs::read(variable("PRIVATE_CA_FILE")?)?)?;
        let http = Client::builder().redirect(redirect::Policy::none()).add_root_certificate(root).build()?;
        Ok(Oauth2 { client, http, scope: Scope::new(variable("SCOPE")?) })
    }

    async fn fetch(&self, _: usize) -> Result<(), Failure> {
        let answer =
            self.client.exchange_client_credentials().add_scope(self.scope.clone()).request_async(&self.http).await?;
        if answer.access_token().secret().is_empty() { Err("an empty token".into()) } else { Ok(()) }
    }
}

fn main() -> Result<(), Failure> {
    play::<Oauth2>()
}
