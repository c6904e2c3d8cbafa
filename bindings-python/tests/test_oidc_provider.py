"""A token from oidc-provider, a certified OpenID provider, by https with a private CA."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import tokenwell


@pytest.fixture(scope="module")
def provider() -> dict[str, Any]:
    path = os.environ.get("TOKENWELL_OIDC")
    if not path:
        pytest.fail("TOKENWELL_OIDC is not set: run `make test`, which starts the provider and describes it there")
    description: dict[str, Any] = json.loads(Path(path).read_text())
    return description


def options(provider: dict[str, Any], kind: str = "", **more: Any) -> dict[str, Any]:
    return {
        "token_endpoint": provider["token_endpoint"],
        "tls_ca_file": Path(provider["ca_file"]),
        "client_id": provider[f"{kind}client_id"],
        "client_secret": provider[f"{kind}client_secret"],
        **more,
    }


def introspect(provider: dict[str, Any], token: str) -> dict[str, Any]:
    form = urllib.parse.urlencode({"token": token}).encode()
    headers = {"Authorization": provider["introspection_authorization"]}
    request = urllib.request.Request(provider["introspection_endpoint"], form, headers)
    context = ssl.create_default_context(cafile=provider["ca_file"])
    with urllib.request.urlopen(request, timeout=10, context=context) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


@pytest.mark.parametrize("kind", ["", "post_"], ids=["basic", "post"])
def test_the_token_is_active(provider: dict[str, Any], kind: str) -> None:
    method = "client_secret_post" if kind else "client_secret_basic"
    with tokenwell.Client(**options(provider, kind, token_endpoint_auth_method=method)) as client:
        token = client.access_token()
        assert token.source == "network"
        assert introspect(provider, token.value)["active"] is True
        assert client.token() == token.value


def test_the_token_is_active_in_asyncio(provider: dict[str, Any]) -> None:
    async def fetch() -> tokenwell.AccessToken:
        async with tokenwell.Client(**options(provider, scope=provider["scope"])) as client:
            return await client.aaccess_token()

    token = asyncio.run(fetch())
    assert token.scope == provider["scope"]
    assert introspect(provider, token.value)["active"] is True


def test_the_guides_program(provider: dict[str, Any]) -> None:
    variables = {
        "SSL_CERT_FILE": provider["ca_file"],
        "TOKENWELL_TOKEN_ENDPOINT": provider["token_endpoint"],
        "TOKENWELL_CLIENT_ID": provider["client_id"],
        "TOKENWELL_CLIENT_SECRET": provider["client_secret"],
    }
    program = Path(__file__).parents[2] / "examples/python/get_access_token.py"
    done = subprocess.run(
        [sys.executable, str(program)], env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert introspect(provider, done.stdout.strip())["active"] is True


@pytest.mark.parametrize("kind", ["", "post_"], ids=["basic", "post"])
def test_a_wrong_secret_is_a_server_error(provider: dict[str, Any], kind: str) -> None:
    method = "client_secret_post" if kind else "client_secret_basic"
    wrong = options(provider, kind, client_secret="wrong-secret", token_endpoint_auth_method=method)
    with tokenwell.Client(**wrong) as client, pytest.raises(tokenwell.ServerError) as caught:
        client.token()
    assert caught.value.code == "invalid_client"
    assert caught.value.http_status in (400, 401)
    assert not caught.value.retryable
    assert "wrong-secret" not in repr(caught.value)


def test_an_unknown_ca_is_refused(provider: dict[str, Any]) -> None:
    client = tokenwell.Client(**options(provider, tls_ca_file=None, cache="none"))
    with pytest.raises(tokenwell.TransportError) as caught:
        client.token()
    assert caught.value.code == "tls_unknown_issuer"
