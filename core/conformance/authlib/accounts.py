"""The clients and tokens that the server knows, as Authlib wants to ask for them."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, list_to_scope, scope_to_list
from joserfc.jwk import KeySet, OctKey

SCOPE = "api:read"


@dataclass
class Client(ClientMixin):
    client_id: str
    method: str
    secret: str = ""
    jwks: dict[str, Any] = field(default_factory=dict)
    grants: tuple[str, ...] = ("client_credentials",)

    def get_allowed_scope(self, scope: str) -> str:
        return str(list_to_scope([word for word in scope_to_list(scope) if word == SCOPE]))

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(self.secret) and hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grants

    @property
    def key(self) -> KeySet | OctKey:
        return KeySet.import_key_set(self.jwks) if self.jwks else OctKey.import_key(self.secret)


@dataclass
class Token(TokenMixin):
    client: Client
    values: dict[str, Any]
    issued_at: float = field(default_factory=time.time)
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return client is self.client

    def get_scope(self) -> str:
        return str(self.values.get("scope") or "")

    def get_expires_in(self) -> int:
        return int(self.values["expires_in"])

    def is_expired(self) -> bool:
        return self.issued_at + self.get_expires_in() < time.time()

    def is_revoked(self) -> bool:
        return self.revoked


class Accounts:
    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.tokens: dict[str, Token] = {}
        self._seen: set[tuple[str, str]] = set()

    def add(self, client: Client) -> Client:
        self.clients[client.client_id] = client
        return client

    def save(self, values: dict[str, Any], client: Client) -> None:
        self.tokens[values["access_token"]] = Token(client, values)

    def is_new(self, client_id: str, jti: str) -> bool:
        """Whether this assertion is seen for the first time."""
        known = (client_id, jti) in self._seen
        self._seen.add((client_id, jti))
        return not known
