"""One development server for all tests, and an environment without what would change a client or a request."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tokenwell.testing import AuthorizationServer, Realm

pytest_plugins = ["tokenwell.testing"]

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_KEPT = ("TOKENWELL_DEV_SERVER", "TOKENWELL_OIDC")
for name in list(os.environ):
    if (
        name in _CERTIFICATES
        or name.lower().endswith("_proxy")
        or (name.startswith("TOKENWELL_") and name not in _KEPT)
    ):
        del os.environ[name]


@pytest.fixture(autouse=True)
def clocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The library's clocks belong to the process: what a test has moved them by is taken back."""
    from tokenwell._native import testing_door

    moved: defaultdict[str, float] = defaultdict(float)

    def noted(name: str, seconds: float) -> None:
        moved[name] += seconds
        testing_door(name, seconds)

    monkeypatch.setattr("tokenwell.testing.testing_door", noted)
    yield
    for name in ("advance_clock", "jump_wall_clock"):
        testing_door(name, -moved[name])


@pytest.fixture(scope="session")
def server() -> Iterator[AuthorizationServer]:
    from tokenwell.testing import AuthorizationServer

    with AuthorizationServer() as server:
        yield server


@pytest.fixture
def realm(server: AuthorizationServer) -> Iterator[Realm]:
    """An authorization server of its own: random id, secret, log and script."""
    realm = server.realm()
    yield realm
    realm.delete()
