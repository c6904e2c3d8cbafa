"""Tokenwell in Python."""

from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play
from tokenwell import Client


def client(cache):
    return Client(token_endpoint=TOKEN_ENDPOINT, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, tls_ca_file=CA_FILE, scope=SCOPE, cache=cache)


play("Tokenwell", "tokenwell", keeping=lambda: client("memory").token, fetching=lambda: client("none").token)
