"""Tokens in httpx: `httpx.Client(auth=tokenwell.httpx.TokenwellAuth(client))`; the same in AsyncClient, on asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from httpx import Auth, ByteStream, Request, Response

from ._challenge import Visit
from ._native import Client

__all__ = ["TokenwellAuth"]


class TokenwellAuth(Auth):
    """Sets the Authorization header, and tries once more with a new token where a 401 says that this one is not valid. A token
    that is bound to a key (`dpop`) goes with its proof, and once more with the nonce that a resource asks for.

    Without a token nothing is sent: the TokenwellError is raised. Like any Authorization header of httpx, it is not
    sent to another origin after a redirect. A body that cannot be sent again (a stream) is sent once.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        visit = Visit(self._client)
        header = self._client.authorization()
        while True:
            request.headers.update(visit.headers(header, request.method, str(request.url)))
            response = yield request
            if not _may_repeat(visit, header, response):
                return
            header = self._client.authorization()
            if not visit.helps(header):
                return
            request = response.request

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        visit = Visit(self._client)
        header = await self._client.aauthorization()
        while True:
            request.headers.update(visit.headers(header, request.method, str(request.url)))
            response = yield request
            if not _may_repeat(visit, header, response):
                return
            header = await self._client.aauthorization()
            if not visit.helps(header):
                return
            request = response.request


def _may_repeat(visit: Visit, header: str, response: Response) -> bool:
    """Forgets a token that was refused; whether the same request may be sent once more."""
    sent = response.request
    if sent.headers.get("Authorization") != header:
        return False
    challenges = response.headers.get_list("WWW-Authenticate")
    refused = visit.refused(str(sent.url), response.status_code, challenges, response.headers.get("DPoP-Nonce"))
    return refused and not response.history and isinstance(sent.stream, ByteStream)
