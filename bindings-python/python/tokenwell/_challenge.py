"""What a resource server's 401 says about the token (RFC 6750 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PARAMETER = re.compile(r"""([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")


def refused(status: int, challenges: Iterable[str]) -> bool:
    """Whether a newer token may help: 401, and the error is invalid_token or there is none."""
    if status != 401:
        return False
    found = (match.groups() for challenge in challenges for match in _PARAMETER.finditer(challenge))
    errors = {quoted or bare for name, quoted, bare in found if name.lower() == "error"}
    return not errors or "invalid_token" in errors


def token_of(header: str) -> str:
    """The token in the value of an Authorization header."""
    return header.partition(" ")[2]
