"""Authlib on httpx, for asyncio."""

from authlib.integrations.httpx_client import AsyncOAuth2Client
from contestant import CA_FILE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_ENDPOINT, play_async


def client():
    import ssl

    trust = ssl.create_default_context(cafile=CA_FILE)
    return AsyncOAuth2Client(
        CLIENT_ID, CLIENT_SECRET, scope=SCOPE, token_endpoint=TOKEN_ENDPOINT, grant_type="client_credentials", verify=trust
    )


def keeping():
    its = client()

    async def token():
        if its.token:
            await its.ensure_active_token(its.token)
        else:
            await its.fetch_token()
        return its.token["access_token"]

    return token


def fetching():
    its = client()

    async def token():
        return (await its.fetch_token())["access_token"]

    return token


play_async("Authlib on httpx, await", "authlib", keeping=keeping, fetching=fetching)
