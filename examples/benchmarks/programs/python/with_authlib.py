"""Authlib on requests: a session that knows its token endpoint and grant fetches anew when its token has expired. What is
measured of the kept token is what the session does to each request."""

import requests
from authlib.integrations.requests_client import OAuth2Session
from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play


def session():
    its = OAuth2Session(CLIENT_ID, CLIENT_SECRET, scope=SCOPE, token_endpoint=TOKEN_ENDPOINT, grant_type="client_credentials")
    its.verify = CA_FILE or True
    return its


def keeping():
    its = session()
    request = requests.Request("GET", "https://api.example.com/").prepare()

    def token():
        if not its.token:
            its.fetch_token()
        return its.token_auth(request).headers["Authorization"]

    return token


def fetching():
    its = session()
    return lambda: its.fetch_token()["access_token"]


play("Authlib", "authlib", keeping=keeping, fetching=fetching)
