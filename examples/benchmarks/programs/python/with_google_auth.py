"""google-auth. Its own credentials are for Google's grants; these are of a class that asks for client credentials by its token
request, and inherit from it how a token is kept, renewed and put into a request."""

import base64
import datetime

import requests
from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play
from google.auth import _helpers
from google.auth.credentials import Credentials
from google.auth.transport.requests import Request
from google.oauth2 import _client

BASIC = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
FORM = {"grant_type": "client_credentials"} | ({"scope": SCOPE} if SCOPE else {})


class ClientCredentials(Credentials):
    def refresh(self, request):
        answer = _client._token_endpoint_request(request, TOKEN_ENDPOINT, FORM, headers={"Authorization": BASIC})
        self.token = answer["access_token"]
        self.expiry = _helpers.utcnow() + datetime.timedelta(seconds=int(answer["expires_in"]))


def transport():
    session = requests.Session()
    session.verify = CA_FILE or True
    return Request(session)


def keeping():
    its, request = ClientCredentials(), transport()

    def token():
        headers = {}
        its.before_request(request, "GET", "https://api.example.com/", headers)
        return headers

    return token


def fetching():
    its, request = ClientCredentials(), transport()

    def token():
        its.refresh(request)
        return its.token

    return token


play("google-auth", "google-auth", keeping=keeping, fetching=fetching)
