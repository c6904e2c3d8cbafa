"""The copied snippet: requests, a connection and the CA bundle for each call."""

import requests
from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play


def token():
    form = {"grant_type": "client_credentials"} | ({"scope": SCOPE} if SCOPE else {})
    response = requests.post(TOKEN_ENDPOINT, data=form, auth=(CLIENT_ID, CLIENT_SECRET), verify=CA_FILE or True)
    response.raise_for_status()
    return response.json()["access_token"]


play("requests, the snippet", "requests", fetching=lambda: token)
