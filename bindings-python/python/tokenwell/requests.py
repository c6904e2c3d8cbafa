"""Tokens in requests: `session.auth = tokenwell.requests.TokenwellAuth(client)`."""

from __future__ import annotations

from functools import partial
from typing import Any

from requests import PreparedRequest, Response
from requests.auth import AuthBase

from ._challenge import refused, token_of
from ._native import Client

__all__ = ["TokenwellAuth"]


class TokenwellAuth(AuthBase):
    """Sets the Authorization header, and tries once more with a new token where a 401 says that this one is not valid.

    Without a token nothing is sent: the TokenwellError is raised. Like any Authorization header of requests, it is not
    sent to another origin after a redirect. A body that cannot be sent again (a generator) is sent once.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        header = self._client.authorization()
        r.headers["Authorization"] = header
        r.register_hook("response", partial(self._answered, header, _position(r.body)))
        return r

    def _answered(self, header: str, position: int | None, response: Response, **how: Any) -> Response:
        sent = response.request
        challenges = response.headers.get("WWW-Authenticate", "")
        if sent.headers.get("Authorization") != header or not refused(response.status_code, [challenges]):
            return response
        self._client.invalidate(token_of(header))
        fresh = self._client.authorization()
        if fresh == header or not _rewind(sent.body, position):
            return response
        response.content  # reads the answer to its end, so that the connection can be used again
        response.close()
        # requests goes on with `sent` where the new answer is a redirect, so it is `sent` that gets the new token.
        response.request = sent.copy()
        sent.headers["Authorization"] = fresh
        answer: Response = response.connection.send(sent, **how)
        answer.history.append(response)
        return answer


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
