"""What the headers of a request to a resource are, and what a resource's 401 says about them (RFC 6750 3, RFC 9449 7 and 9)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ._native import Client

_PARAMETER = re.compile(r"""([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")


class Visit:
    """One request to a resource and its repeats: at most one with a newer token, and one with the nonce of the resource."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._renewed = self._noted = False
        self._sent = ""
        self._same_token_helps = False

    def headers(self, authorization: str, method: str, url: str) -> dict[str, str]:
        """What this request is sent with: the token, and where it is bound to a key a new proof."""
        self._sent = authorization
        if not is_bound(authorization):
            return {"Authorization": authorization}
        return {"Authorization": authorization, "DPoP": self._client.dpop_proof(method, url, token_of(authorization))}

    def refused(self, url: str, status: int, challenges: Iterable[str], nonce: str | None) -> bool:
        """Whether a repeat may help. The nonce is kept, and a token that is not valid is forgotten."""
        if nonce:
            self._client.dpop_nonce(url, nonce)
        if status != 401:
            return False
        errors = _errors(challenges)
        if nonce and "use_dpop_nonce" in errors and not self._noted:
            self._noted = self._same_token_helps = True
            return True
        self._same_token_helps = False
        if self._renewed or errors and "invalid_token" not in errors:
            return False
        self._renewed = True
        self._client.invalidate(token_of(self._sent))
        return True

    def helps(self, authorization: str) -> bool:
        """Whether this header, asked for after `refused`, is worth the repeat."""
        return self._same_token_helps or authorization != self._sent


def _errors(challenges: Iterable[str]) -> set[str]:
    found = (match.groups() for challenge in challenges for match in _PARAMETER.finditer(challenge))
    return {quoted or bare for name, quoted, bare in found if name.lower() == "error"}


def is_bound(header: str) -> bool:
    """Whether the token in this Authorization header goes with a proof."""
    return header.startswith("DPoP ")


def token_of(header: str) -> str:
    """The token in the value of an Authorization header."""
    return header.partition(" ")[2]
