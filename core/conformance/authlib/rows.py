"""The rows of the matrix (../matrix): for each way in, how the client is registered and with which options it comes."""

from __future__ import annotations

import json
import secrets
from typing import Any

from accounts import Accounts, Client
from joserfc.jwk import ECKey, Key, RSAKey

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def _key(alg: str) -> Key:
    parameters = {"use": "sig", "alg": alg}
    if alg == "RS256":
        return RSAKey.generate_key(2048, parameters, auto_kid=True)
    return ECKey.generate_key("P-256", parameters, auto_kid=True)


def _private(key: Key) -> str:
    return json.dumps(key.as_dict(private=True))


def _id(name: str) -> str:
    # Both this and the secret hold what Basic authentication has to encode (RFC 6749 2.3.1): colon, percent, plus, space and more.
    return f"{name.replace(' ', '-')}:a+b%20c d/{secrets.token_hex(4)}"


def _row(client: Client, options: dict[str, Any], name: str | None = None, **expect: Any) -> dict[str, Any]:
    own = {"client_id": client.client_id, "token_endpoint_auth_method": client.method}
    return {"name": name or client.method, "options": own | options, "expect": {"client_id": client.client_id, **expect}}


def _secret_row(accounts: Accounts, method: str) -> dict[str, Any]:
    client = accounts.add(Client(_id(method), method, f"p:q%2B+ &=r/?{secrets.token_urlsafe(24)}"))
    return _row(client, {"client_secret": client.secret})


def _key_row(accounts: Accounts, alg: str) -> dict[str, Any]:
    key = _key(alg)
    client = accounts.add(Client(_id(alg), "private_key_jwt", jwks={"keys": [key.as_dict(private=False)]}))
    options = {"private_key": _private(key), "token_endpoint_auth_signing_alg": alg}
    return _row(client, options, f"private_key_jwt {alg}")


def _grant_row(accounts: Accounts) -> dict[str, Any]:
    key = _key("ES256")
    client = accounts.add(Client(_id("jwt-bearer"), "private_key_jwt", jwks={"keys": [key.as_dict(private=False)]}, grants=(JWT_BEARER,)))
    return _row(client, {"private_key": _private(key), "grant_type": JWT_BEARER}, "grant_type jwt-bearer")


def _refused(name: str, row: dict[str, Any], error: str, **options: Any) -> dict[str, Any]:
    return {"name": f"refused: {name}", "options": row["options"] | options, "expect": row["expect"] | {"error": error}}


def make_rows(accounts: Accounts) -> list[dict[str, Any]]:
    with_secret = [_secret_row(accounts, method) for method in ("client_secret_basic", "client_secret_post", "client_secret_jwt")]
    with_key = [_key_row(accounts, alg) for alg in ("RS256", "ES256")]
    public = _row(accounts.add(Client(_id("none"), "none")), {})
    return [
        *with_secret,
        *with_key,
        public,
        _grant_row(accounts),
        _refused("a wrong secret", with_secret[0], "invalid_client", client_secret="not the secret that is registered"),
        _refused("a key that is not registered", with_key[0], "invalid_client", private_key=_private(_key("RS256"))),
        _refused("another method than the registered one", with_secret[1], "invalid_client", token_endpoint_auth_method="client_secret_basic"),
        _refused("a scope that is not known", with_secret[0], "invalid_scope", scope="api:write"),
    ]
