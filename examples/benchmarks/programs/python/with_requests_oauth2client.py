"""requests-oauth2client."""

import requests
from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play
from requests_oauth2client import OAuth2Client, OAuth2ClientCredentialsAuth

MORE = {"scope": SCOPE} if SCOPE else {}


def client():
    session = requests.Session()
    session.verify = CA_FILE or True
    return OAuth2Client(TOKEN_ENDPOINT, auth=(CLIENT_ID, CLIENT_SECRET), session=session)


def keeping():
    auth = OAuth2ClientCredentialsAuth(client(), **MORE)
    request = requests.Request("GET", "https://api.example.com/").prepare()
    return lambda: auth(request).headers["Authorization"]


def fetching():
    its = client()
    return lambda: its.client_credentials(**MORE).access_token


play("requests-oauth2client", "requests-oauth2client", keeping=keeping, fetching=fetching)
