"""Tokens in aiohttp (3.12 or newer): `aiohttp.ClientSession(middlewares=[tokenwell.aiohttp.middleware(client)])`."""

from __future__ import annotations

from contextvars import ContextVar

from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse
from aiohttp.hdrs import AUTHORIZATION, LOCATION, URI, WWW_AUTHENTICATE
from yarl import URL

from ._challenge import refused, token_of
from ._native import Client

__all__ = ["middleware"]

# Where the last answer led away to, and from which origin: aiohttp calls the middleware again for each redirect it follows.
_departure: ContextVar[tuple[URL, list[URL]] | None] = ContextVar("tokenwell_departure", default=None)


def middleware(client: Client) -> ClientMiddlewareType:
    """Sets the Authorization header, and tries once more with a new token where a 401 says that this one is not valid.

    Without a token nothing is sent: the TokenwellError is raised. A redirect to another origin is followed without the
    token. A body that cannot be sent again (a generator) is sent once.
    """

    async def authorize(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        departure = _departure.get()
        _departure.set(None)
        origin = request.url.origin()
        # Another request than the redirect's, as after one that was not followed, starts anew.
        home = departure[0] if departure and request.url.with_fragment(None) in departure[1] else origin
        response = await (_send(client, request, handler) if origin == home else handler(request))
        targets = _targets(response)
        if any(target.origin() != home for target in targets):
            _departure.set((home, targets))
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


def _targets(response: ClientResponse) -> list[URL]:
    """Where a redirect leads, in both ways of reading its Location. A location that is no URL is not followed."""
    location = response.headers.get(LOCATION) or response.headers.get(URI)
    if response.status not in (301, 302, 303, 307, 308) or location is None:
        return []
    try:
        targets = [response.url.join(URL(location, encoded=encoded)) for encoded in (False, True)]
        return [target.with_fragment(None) for target in targets if target.absolute]
    except ValueError:
        return []
