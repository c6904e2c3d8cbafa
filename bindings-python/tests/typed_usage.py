"""Read by mypy alone (test_types.py): right uses have the right types, wrong ones are errors."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from typing_extensions import assert_type

import tokenwell

client = tokenwell.Client(
    token_endpoint="https://login.example.com/token",
    client_id="id",
    client_secret="secret",
    token_endpoint_auth_method="client_secret_post",
    tls_ca_file=Path("ca.pem"),
    scope=["read", "write"],
    extra_parameters={"tenant": "a"},
    timeout=5,
)
tokenwell.Client(issuer="https://login.example.com", client_id="id", client_secret={"file": Path("secret")})
tokenwell.Client(issuer="https://login.example.com", client_id="id", private_key={"env": "KEY"})
assert_type(client, tokenwell.Client)
assert_type(tokenwell.Client.from_env(), tokenwell.Client)
assert_type(client.token(), str)
assert_type(client.token(scope="a", audience=["b"], resource=("c",), min_valid=1.5), str)
assert_type(client.authorization(), str)
coroutine: Coroutine[Any, Any, str] = client.atoken()
assert_type(client.stats(), dict[str, int])
assert_type(client.invalidate("token"), None)

token = client.access_token()
assert_type(token, tokenwell.AccessToken)
assert_type(token.expires_at, datetime)
assert_type(token.expires_in, int)
assert_type(token.scope, "str | None")
assert_type(token.source, Literal["network", "memory", "file", "redis"])
assert_type(token.extra, dict[str, Any])
client.invalidate(token)
assert_type(tokenwell.get_token_by_client_id_and_client_secret("id", "secret"), str)

try:
    client.token()
except tokenwell.TokenwellError as error:
    assert_type(error.code, str)
    assert_type(error.retry_after, "float | None")


async def use() -> None:
    assert_type(await client.atoken(), str)
    assert_type(await client.aaccess_token(scope="a"), tokenwell.AccessToken)
    async with client as same:
        assert_type(same, tokenwell.Client)


with client as same:
    assert_type(same, tokenwell.Client)

tokenwell.Client(client_id="id", client_secrt="secret")  # type: ignore[call-arg]
tokenwell.Client(token_endpoint="https://login.example.com/token")  # type: ignore[call-arg]
tokenwell.Client(client_id="id", client_secret={"nowhere": "a"})  # type: ignore[arg-type]
tokenwell.Client(client_id="id", cache="disk")  # type: ignore[arg-type]
client.token(min_valid="60")  # type: ignore[arg-type]
client.token("scope")  # type: ignore[call-arg]
token.value = "another"  # type: ignore[misc]
