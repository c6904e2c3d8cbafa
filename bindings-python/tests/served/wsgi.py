"""A WSGI application, loaded by the parent (gunicorn --preload)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import parent


def application(_environment: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    parent.child()
    start_response("204 No Content", [])
    return []
