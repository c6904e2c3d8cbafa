"""Tokens in httpx: `httpx.Client(auth=tokenwell.httpx.TokenwellAuth(client))`; the same in AsyncClient, on asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from httpx import Auth, ByteStream, Request, Response

from ._challenge import refused, token_of
from ._native import Client

__all__ = ["TokenwellAuth"]


class TokenwellAuth(Auth):
    """Sets the Authorization header, and tries once more with a new token where a 401 says that this one is not valid.

    Without a token nothing is sent: the TokenwellError is raised. Like any Authorization header of httpx, it is not
    sent to another origin after a redirect. A body that cannot be sent again (a stream) is sent once.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        header = request.headers["Authorization"] = self._client.authorization()
        response = yield request
        if self._invalidated(header, request, response):
            fresh = request.headers["Authorization"] = self._client.authorization()
            if fresh != header:
                yield request

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        header = request.headers["Authorization"] = await self._client.aauthorization()
        response = yield request
        if self._invalidated(header, request, response):
            fresh = request.headers["Authorization"] = await self._client.aauthorization()
            if fresh != header:
                yield request

    def _invalidated(self, header: str, request: Request, response: Response) -> bool:
        """Forgets a token that was refused; whether the same request may be sent once more."""
        if response.request.headers.get("Authorization") != header:
            return False
        if not refused(response.status_code, response.headers.get_list("WWW-Authenticate")):
            return False
        self._client.invalidate(token_of(header))
        return not response.history and isinstance(request.stream, ByteStream)
