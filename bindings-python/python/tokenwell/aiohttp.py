"""Tokens in aiohttp (3.12 or newer): `aiohttp.ClientSession(middlewares=[tokenwell.aiohttp.middleware(client)])`."""

from __future__ import annotations

from contextvars import ContextVar

from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse
from aiohttp.hdrs import LOCATION, URI, WWW_AUTHENTICATE
from yarl import URL

from ._challenge import Visit
from ._native import Client

__all__ = ["middleware"]

# Where the last answer led away to, and from which origin: aiohttp calls the middleware again for each redirect it follows.
_departure: ContextVar[tuple[URL, list[URL]] | None] = ContextVar("tokenwell_departure", default=None)


def middleware(client: Client) -> ClientMiddlewareType:
    """Sets the Authorization header, and tries once more with a new token where a 401 says that this one is not valid. A token
    that is bound to a key (`dpop`) goes with its proof, and once more with the nonce that a resource asks for.

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
    visit, url = Visit(client), str(request.url)
    header = await client.aauthorization()
    while True:
        request.headers.update(visit.headers(header, request.method, url))
        response = await handler(request)
        challenges = response.headers.getall(WWW_AUTHENTICATE, ())
        if not visit.refused(url, response.status, challenges, response.headers.get("DPoP-Nonce")):
            return response
        header = await client.aauthorization()
        if not visit.helps(header) or getattr(request.body, "consumed", False):
            return response
        response.release()


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
