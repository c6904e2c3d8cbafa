"""requests with its session kept."""

import requests
from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play


def fetching():
    session = requests.Session()
    session.auth = (CLIENT_ID, CLIENT_SECRET)
    session.verify = CA_FILE or True
    form = {"grant_type": "client_credentials"} | ({"scope": SCOPE} if SCOPE else {})

    def token():
        response = session.post(TOKEN_ENDPOINT, data=form)
        response.raise_for_status()
        return response.json()["access_token"]

    return token


play("requests, a session", "requests", fetching=fetching)
