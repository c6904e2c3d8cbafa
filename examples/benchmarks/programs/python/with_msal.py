"""MSAL with the issuer's metadata. It has no way around its cache but to forget what is in it."""

from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play
from msal import ConfidentialClientApplication

SCOPES = [SCOPE or "api"]


def application():
    issuer = TOKEN_ENDPOINT.removesuffix("/token")
    return ConfidentialClientApplication(CLIENT_ID, client_credential=CLIENT_SECRET, oidc_authority=issuer, verify=CA_FILE or True)


def keeping():
    its = application()
    return lambda: its.acquire_token_for_client(SCOPES)["access_token"]


def fetching():
    its = application()

    def token():
        its.remove_tokens_for_client()
        return its.acquire_token_for_client(SCOPES)["access_token"]

    return token


play("MSAL", "msal", keeping=keeping, fetching=fetching)
