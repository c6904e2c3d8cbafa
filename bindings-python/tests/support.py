"""What several test files need."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import tokenwell
from tokenwell.testing import Realm


def client_of(realm: Realm, **options: Any) -> tokenwell.Client:
    return tokenwell.Client(**{**realm.options, **options})


def until(condition: Callable[[], Any], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.002)
