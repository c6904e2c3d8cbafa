"""Authlib's endpoints: client authentication, grants, introspection (RFC 7662) and revocation (RFC 7009)."""

from __future__ import annotations

from typing import Any

from accounts import SCOPE, Accounts, Client, Token
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask

METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]


def register_endpoints(app: Flask, accounts: Accounts, urls: dict[str, str]) -> AuthorizationServer:
    """`urls` is filled once the port is known."""

    class Assertion(JWTBearerClientAssertion):
        def __init__(self, method: str) -> None:
            super().__init__(leeway=0)
            self.CLIENT_AUTH_METHOD = method

        def get_audiences(self) -> list[str]:
            return [urls["issuer"]]

        def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
            return accounts.is_new(claims["sub"], jti)

        def resolve_client_public_key(self, client: Client) -> Any:
            return client.key

        def __call__(self, query_client: Any, request: Any) -> Any:
            # Two methods share this code: the other one's clients are not for this one to check.
            ours = lambda client_id: client if (client := query_client(client_id)) and client.method == self.CLIENT_AUTH_METHOD else None  # noqa: E731
            data = request.form
            if not data.get("client_assertion") or not ours(self.extract_assertion(data["client_assertion"])[1].get("sub")):
                return None
            return super().__call__(ours, request)

    class ClientCredentials(grants.ClientCredentialsGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    class JwtBearer(JWTBearerGrant):
        def resolve_issuer_client(self, issuer: str) -> Client | None:
            return accounts.clients.get(issuer)

        def resolve_client_public_key(self, client: Client) -> Any:
            return client.key

        def get_audiences(self) -> list[str]:
            return [urls["issuer"], urls["token_endpoint"]]

        def authenticate_user(self, subject: str) -> Client | None:
            return accounts.clients.get(subject)

        def has_granted_permission(self, client: Client, user: Client) -> bool:
            return client is user

    class Introspection(IntrospectionEndpoint):
        CLIENT_AUTH_METHODS = METHODS

        def query_token(self, token: str, token_type_hint: str | None) -> Token | None:
            return accounts.tokens.get(token)

        def check_permission(self, token: Token, client: Client, request: Any) -> bool:
            return token.check_client(client)

        def introspect_token(self, token: Token) -> dict[str, Any]:
            return {"client_id": token.client.client_id, "scope": token.get_scope()}

    class Revocation(RevocationEndpoint):
        CLIENT_AUTH_METHODS = METHODS

        def query_token(self, token: str, token_type_hint: str | None) -> Token | None:
            return accounts.tokens.get(token)

        def revoke_token(self, token: Token, request: Any) -> None:
            token.revoked = True

    app.config["OAUTH2_SCOPES_SUPPORTED"] = [SCOPE]
    server = AuthorizationServer(app, accounts.clients.get, lambda token, request: accounts.save(token, request.client))
    for method in ("client_secret_jwt", "private_key_jwt"):
        server.register_client_auth_method(method, Assertion(method))
    server.register_grant(ClientCredentials)
    server.register_grant(JwtBearer)
    server.register_endpoint(Introspection)
    server.register_endpoint(Revocation)
    return server
