"""Tokens in requests: `session.auth = tokenwell.requests.TokenwellAuth(client)`."""

from __future__ import annotations

from functools import partial
from typing import Any

from requests import PreparedRequest, Response
from requests.auth import AuthBase

from ._challenge import Visit, is_bound
from ._native import Client

__all__ = ["TokenwellAuth"]


class TokenwellAuth(AuthBase):
    """Sets the Authorization header, and tries once more with a new token where a 401 says that this one is not valid. A token
    that is bound to a key (`dpop`) goes with its proof, and once more with the nonce that a resource asks for.

    Without a token nothing is sent: the TokenwellError is raised. Like any Authorization header of requests, it is not
    sent to another origin after a redirect. A body that cannot be sent again (a generator) is sent once.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        visit = Visit(self._client)
        header = self._client.authorization()
        r.headers.update(visit.headers(header, r.method or "", r.url or ""))
        r.register_hook("response", partial(self._answered, visit, header, _position(r.body)))
        return r

    def _answered(self, visit: Visit, header: str, position: int | None, response: Response, **how: Any) -> Response:
        while True:
            sent = response.request
            # A proof is good for one request: the next hop of a redirect gets its own when it asks for one.
            proof = sent.headers.pop("DPoP", None) if response.is_redirect else sent.headers.get("DPoP")
            if sent.headers.get("Authorization") != header:
                return response
            challenges = [response.headers.get("WWW-Authenticate", "")]
            unproven = is_bound(header) and proof is None and response.status_code == 401
            nonce = response.headers.get("DPoP-Nonce")
            if not visit.refused(response.url, response.status_code, challenges, nonce) and not unproven:
                return response
            fresh = self._client.authorization()
            if not (unproven or visit.helps(fresh)) or not _rewind(sent.body, position):
                return response
            response.content  # reads the answer to its end, so that the connection can be used again
            response.close()
            # requests goes on with `sent` where the new answer is a redirect, so it is `sent` that gets the new token.
            response.request = sent.copy()
            header = fresh
            sent.headers.update(visit.headers(header, sent.method or "", sent.url or ""))
            answer: Response = response.connection.send(sent, **how)
            answer.history.append(response)
            response = answer


def _position(body: Any) -> int | None:
    """Where a file stands, to read it again from there."""
    try:
        return int(body.tell())
    except (AttributeError, OSError):
        return None


def _rewind(body: Any, position: int | None) -> bool:
    if body is None or isinstance(body, (bytes, str)):
        return True
    if position is None:
        return False
    body.seek(position)
    return True
