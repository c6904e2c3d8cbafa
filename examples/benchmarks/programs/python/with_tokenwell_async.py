"""Tokenwell in Python, for asyncio."""

from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play_async
from tokenwell import Client


def client(cache):
    return Client(token_endpoint=TOKEN_ENDPOINT, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, tls_ca_file=CA_FILE, scope=SCOPE, cache=cache)


play_async("Tokenwell, await", "tokenwell", keeping=lambda: client("memory").atoken, fetching=lambda: client("none").atoken)
