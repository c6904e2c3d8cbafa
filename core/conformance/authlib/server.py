"""Starts an authorization server made of Authlib, on https, and describes it in one line of JSON on stdout (see ../matrix).

It ends when its standard input is closed.
"""

from __future__ import annotations

import json
import ssl
import sys
import tempfile
import threading
from pathlib import Path

import authlib
from accounts import SCOPE, Accounts
from certificates import make_certificates
from endpoints import register_endpoints
from flask import Flask, Response, jsonify, request
from rows import make_rows
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:
        """Nothing: stdout and stderr are for what went wrong."""


def make_app(accounts: Accounts) -> tuple[Flask, dict[str, str]]:
    app = Flask(__name__)
    urls: dict[str, str] = {}
    server = register_endpoints(app, accounts, urls)

    @app.get("/.well-known/oauth-authorization-server")
    def metadata() -> Response:
        methods = sorted({client.method for client in accounts.clients.values()})
        return jsonify(urls | {f"{endpoint}_endpoint_auth_methods_supported": methods for endpoint in ("token", "introspection", "revocation")})

    @app.get("/resource")
    def resource() -> tuple[Response, int]:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        token = accounts.tokens.get(value) if scheme == "Bearer" else None
        if not token or token.is_expired() or token.is_revoked():
            return jsonify(error="invalid_token"), 401
        return jsonify(client_id=token.client.client_id, scope=token.get_scope()), 200

    for endpoint in ("token", "introspection", "revocation"):
        create = server.create_token_response if endpoint == "token" else lambda name=endpoint: server.create_endpoint_response(name)
        app.add_url_rule(f"/{endpoint}", endpoint, create, methods=["POST"])
    return app, urls


def listen(app: Flask, context: ssl.SSLContext) -> list[BaseWSGIServer]:
    """One port on both loopback addresses: `localhost` is ::1 first on many machines."""
    first = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler, ssl_context=context)
    try:
        return [first, make_server("::1", first.port, app, threaded=True, request_handler=Handler, ssl_context=context)]
    except OSError:  # a machine without IPv6
        return [first]


def main() -> None:
    accounts = Accounts()
    app, urls = make_app(accounts)
    with tempfile.TemporaryDirectory(prefix="tokenwell-authlib-") as folder:
        ca_file, certificate, key = make_certificates(Path(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        servers = listen(app, context)
        issuer = f"https://localhost:{servers[0].port}"
        urls |= {"issuer": issuer} | {f"{endpoint}_endpoint": f"{issuer}/{endpoint}" for endpoint in ("token", "introspection", "revocation")}
        rows = make_rows(accounts)
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        common = {"issuer": issuer, "tls_ca_file": str(ca_file), "scope": SCOPE}
        for row in rows:
            row["options"] = common | row["options"]
        print(json.dumps({"matrix": {"server": f"Authlib {authlib.__version__}", "resource": f"{issuer}/resource", "rows": rows}}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
