"""Tokens in aiohttp (3.12 or newer): `aiohttp.ClientSession(middlewares=[tokenwell.aiohttp.middleware(client)])`."""

from __future__ import annotations

from contextvars import ContextVar

from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse
from aiohttp.hdrs import AUTHORIZATION, LOCATION, URI, WWW_AUTHENTICATE
from yarl import URL

from ._challenge import refused, token_of
from ._native import Client

__all__ = ["middleware"]

# The origin that the last answer led away from. aiohttp calls the middleware again for each redirect it follows.
_left: ContextVar[URL | None] = ContextVar("tokenwell_left", default=None)


def middleware(client: Client) -> ClientMiddlewareType:
    """Sets the Authorization header, and tries once more with a new token where a 401 says that this one is not valid.

    Without a token nothing is sent: the TokenwellError is raised. A redirect to another origin is followed without the
    token. A body that cannot be sent again (a generator) is sent once.
    """

    async def authorize(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        home = _left.get() or request.url.origin()
        if request.url.origin() == home:
            response = await _send(client, request, handler)
        else:
            response = await handler(request)
        _left.set(home if _leads_away(response, home) else None)
        return response

    return authorize


async def _send(client: Client, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    header = request.headers[AUTHORIZATION] = await client.aauthorization()
    response = await handler(request)
    if not refused(response.status, response.headers.getall(WWW_AUTHENTICATE, ())):
        return response
    client.invalidate(token_of(header))
    fresh = await client.aauthorization()
    if fresh == header or getattr(request.body, "consumed", False):
        return response
    response.release()
    request.headers[AUTHORIZATION] = fresh
    return await handler(request)


def _leads_away(response: ClientResponse, home: URL) -> bool:
    location = response.headers.get(LOCATION) or response.headers.get(URI)
    if response.status not in (301, 302, 303, 307, 308) or location is None:
        return False
    try:
        targets = [response.url.join(URL(location, encoded=encoded)) for encoded in (False, True)]
        return any(target.origin() != home for target in targets)
    except ValueError:
        return True
