"""Authlib on requests: its check of the kept token alone, without the request that its documentation uses it for."""

from authlib.integrations.requests_client import OAuth2Session
from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play


def keeping():
    its = OAuth2Session(CLIENT_ID, CLIENT_SECRET, scope=SCOPE, token_endpoint=TOKEN_ENDPOINT, grant_type="client_credentials")
    its.verify = CA_FILE or True

    def token():
        if its.token:
            its.ensure_active_token()
        else:
            its.fetch_token()
        return its.token["access_token"]

    return token


play("Authlib, the check alone", "authlib", keeping=keeping)
