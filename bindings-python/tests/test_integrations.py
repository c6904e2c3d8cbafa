"""Tokens in requests, httpx and aiohttp, against resource servers on two origins."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests

import tokenwell
import tokenwell.aiohttp
import tokenwell.httpx
import tokenwell.requests
from tokenwell.testing import AuthorizationServer, Realm, advance_clock

INVALID = {"WWW-Authenticate": 'Bearer realm="a", error="invalid_token", error_description="it has, expired"'}
SCOPE = {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="invalid_token"'}


@dataclass
class Resource:
    """A resource server: answers from a list, then 200; tokens in `refused` get 401."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    seen: list[tuple[str, str, str | None, bytes]] = field(default_factory=list)
    proofs: list[str | None] = field(default_factory=list)

    def tokens(self) -> list[str | None]:
        return [authorization and authorization.removeprefix("Bearer ") for _, _, authorization, _ in self.seen]

    def bodies(self) -> list[bytes]:
        return [body for *_, body in self.seen]


@pytest.fixture
def resource() -> Iterator[Resource]:
    yield from serve()


@pytest.fixture
def other() -> Iterator[Resource]:
    yield from serve()


def serve() -> Iterator[Resource]:
    resource = Resource()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            authorization = self.headers.get("Authorization")
            resource.proofs.append(self.headers.get("DPoP"))
            resource.seen.append((self.command, self.path, authorization, self.body()))
            if authorization and authorization.removeprefix("Bearer ") in resource.refused:
                self.answer(401, INVALID)
            else:
                self.answer(*(resource.answers.pop(0) if resource.answers else (200, {})))

        do_POST = do_PUT = do_GET

        def body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def answer(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": "2", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is no matter of the tests."""

    with Server(("127.0.0.1", 0), Handler) as server:
        resource.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield resource
        server.shutdown()
        thread.join()


# --- the same calls through each library: (client, [(method, url, body)]) to statuses

Calls = list[tuple[str, str, Any]]
Door = Callable[[tokenwell.Client, Calls], list[int]]


def by_requests(client: tokenwell.Client, calls: Calls) -> list[int]:
    with requests.Session() as session:
        session.auth = tokenwell.requests.TokenwellAuth(client)
        return [session.request(method, url, data=body, timeout=10).status_code for method, url, body in calls]


def by_httpx(client: tokenwell.Client, calls: Calls) -> list[int]:
    with httpx.Client(auth=tokenwell.httpx.TokenwellAuth(client), follow_redirects=True) as session:
        return [session.request(method, url, content=body).status_code for method, url, body in calls]


def by_httpx_async(client: tokenwell.Client, calls: Calls) -> list[int]:
    async def send() -> list[int]:
        async with httpx.AsyncClient(auth=tokenwell.httpx.TokenwellAuth(client), follow_redirects=True) as session:
            return [
                (await session.request(method, url, content=again(body))).status_code for method, url, body in calls
            ]

    return asyncio.run(send())


def by_aiohttp(client: tokenwell.Client, calls: Calls) -> list[int]:
    async def send() -> list[int]:
        statuses = []
        async with aiohttp.ClientSession(middlewares=[tokenwell.aiohttp.middleware(client)]) as session:
            for method, url, body in calls:
                async with session.request(method, url, data=again(body)) as response:
                    statuses.append(response.status)
        return statuses

    return asyncio.run(send())


def again(body: Any) -> Any:
    """A generator as an asynchronous one."""
    if not isinstance(body, Iterator):
        return body

    async def parts() -> Any:
        for part in body:
            yield part

    return parts()


@pytest.fixture(params=[by_requests, by_httpx, by_httpx_async, by_aiohttp], ids=lambda door: str(door.__name__)[3:])
def door(request: pytest.FixtureRequest) -> Door:
    door: Door = request.param
    return door


@pytest.fixture
def client(realm: Realm) -> tokenwell.Client:
    return tokenwell.Client(**realm.options)


# --- what holds in each


def test_the_header_is_set(door: Door, client: tokenwell.Client, resource: Resource) -> None:
    assert door(client, [("GET", resource.url, None)] * 3) == [200] * 3
    assert resource.tokens() == [client.token()] * 3


@pytest.mark.parametrize(
    "headers", [{}, INVALID, {"WWW-Authenticate": "Bearer"}], ids=["no challenge", "invalid_token", "no error"]
)
def test_a_401_is_tried_once_more(
    door: Door, client: tokenwell.Client, resource: Resource, realm: Realm, headers: dict[str, str]
) -> None:
    first = client.token()
    resource.answers = [(401, headers)]
    assert door(client, [("POST", resource.url, b"the body")]) == [200]
    assert resource.tokens() == [first, client.token()]
    assert first != client.token()
    assert resource.bodies() == [b"the body"] * 2
    assert len(realm.requests()) == 2


def test_s30_no_log_at_debug_shows_a_token(
    door: Door, client: tokenwell.Client, resource: Resource, realm: Realm, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("asyncio").debug("of the recording")
    first = client.token()
    resource.answers = [(401, INVALID)]
    assert door(client, [("GET", resource.url, None)]) == [200]
    with pytest.raises(tokenwell.TransportError):
        tokenwell.Client(**{**realm.options, "token_endpoint": "http://127.0.0.1:1/", "client_secret": "canary"}).token()
    assert "of the recording" in caplog.text
    for secret in (first, client.token(), realm.options["client_secret"], "canary"):
        assert secret not in caplog.text


def test_no_more_than_once(door: Door, client: tokenwell.Client, resource: Resource) -> None:
    resource.answers = [(401, INVALID)] * 3
    assert door(client, [("GET", resource.url, None)]) == [401]
    assert len(resource.seen) == 2


def test_a_resource_that_refuses_all_causes_no_storm(
    door: Door, client: tokenwell.Client, resource: Resource, realm: Realm
) -> None:
    resource.answers = [(401, INVALID)] * 30
    assert door(client, [("GET", resource.url, None)] * 10) == [401] * 10
    assert len(realm.requests()) == 2


@pytest.mark.parametrize(("status", "headers"), [(401, SCOPE), (403, SCOPE), (403, {}), (500, INVALID)])
def test_other_refusals_are_left_alone(
    door: Door, client: tokenwell.Client, resource: Resource, status: int, headers: dict[str, str]
) -> None:
    token = client.token()
    resource.answers = [(status, headers)]
    assert door(client, [("GET", resource.url, None)]) == [status]
    assert len(resource.seen) == 1
    assert client.token() == token


def test_only_the_token_that_was_refused_is_given_up(
    door: Door, client: tokenwell.Client, resource: Resource, realm: Realm
) -> None:
    resource.refused.add(client.token())
    assert door(client, [("GET", resource.url, None)] * 5) == [200] * 5
    assert len(resource.seen) == 6
    assert len(realm.requests()) == 2


def test_a_body_that_is_gone_is_sent_once(door: Door, client: tokenwell.Client, resource: Resource) -> None:
    first = client.token()
    resource.answers = [(401, INVALID)]
    assert door(client, [("POST", resource.url, iter([b"one", b"two"]))]) == [401]
    assert resource.bodies() == [b"onetwo"]
    assert client.token() != first, "the next request has a new token all the same"


@pytest.mark.parametrize("library", [by_requests, by_aiohttp])
def test_a_file_is_read_again(library: Door, client: tokenwell.Client, resource: Resource) -> None:
    resource.answers = [(401, INVALID)]
    status = library(client, [("POST", resource.url, io.BytesIO(b"a file"))])
    assert resource.bodies() == [b"a file"] * len(resource.seen)
    assert status == [200 if len(resource.seen) == 2 else 401]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_gets_no_token(
    door: Door, client: tokenwell.Client, resource: Resource, other: Resource, status: int
) -> None:
    token = client.token()
    resource.answers = [(status, {"Location": f"{other.url}/away?a=%7E"})]
    other.answers = [(401, INVALID)]
    calls: Calls = [("GET", f"{resource.url}/start", None), ("GET", f"{other.url}/direct", None)]
    assert door(client, calls) == [401, 200]
    assert resource.tokens() == [token]
    assert other.tokens() == [None, token], "after a redirect none, when asked directly the token"
    assert client.token() == token


def test_redirects_there_and_back(door: Door, client: tokenwell.Client, resource: Resource, other: Resource) -> None:
    resource.answers = [(302, {"Location": f"{other.url}/there"})]
    other.answers = [(302, {"Location": f"{other.url}/on"}), (302, {"Location": f"{resource.url}/back"})]
    assert door(client, [("GET", resource.url, None)] * 2) == [200, 200]
    assert other.tokens() == [None, None]
    assert resource.tokens()[0] == resource.tokens()[2] == client.token()


def test_a_redirect_within_the_origin_keeps_the_token(door: Door, client: tokenwell.Client, resource: Resource) -> None:
    resource.answers = [(307, {"Location": "/here"})]
    assert door(client, [("POST", resource.url, b"body")]) == [200]
    assert resource.tokens() == [client.token()] * 2
    assert resource.bodies() == [b"body"] * 2


def test_without_a_token_nothing_is_sent(door: Door, realm: Realm, resource: Resource) -> None:
    client = tokenwell.Client(**{**realm.options, "client_secret": "wrong"})
    with pytest.raises(tokenwell.ServerError):
        door(client, [("GET", resource.url, None)])
    assert not resource.seen


def test_without_a_new_token_nothing_is_sent_again(
    door: Door, client: tokenwell.Client, realm: Realm, resource: Resource
) -> None:
    client.token()
    realm.script([{"status": 401, "json": {"error": "invalid_client"}}])
    resource.answers = [(401, INVALID)]
    with pytest.raises(tokenwell.ServerError):
        door(client, [("GET", resource.url, None)])
    assert len(resource.seen) == 1


def test_many_callers_cause_one_refresh(client: tokenwell.Client, realm: Realm, resource: Resource) -> None:
    resource.refused.add(client.token())

    async def send() -> list[int]:
        async def get(session: aiohttp.ClientSession) -> int:
            async with session.get(resource.url) as response:
                return response.status

        async with aiohttp.ClientSession(middlewares=[tokenwell.aiohttp.middleware(client)]) as session:
            return await asyncio.gather(*[get(session) for _ in range(50)])

    assert asyncio.run(send()) == [200] * 50
    assert len(realm.requests()) == 2


def test_a_redirect_that_is_not_followed(client: tokenwell.Client, resource: Resource, other: Resource) -> None:
    """aiohttp: the next request has its token, to the first origin and to the one that the redirect named."""
    resource.answers = [(302, {"Location": other.url + "/elsewhere"})]

    async def send() -> None:
        async with aiohttp.ClientSession(middlewares=[tokenwell.aiohttp.middleware(client)]) as session:
            for _ in range(2):
                async with session.get(resource.url, allow_redirects=False):
                    pass
            resource.answers = [(302, {"Location": other.url + "/elsewhere"})]
            async with session.get(resource.url, allow_redirects=False):
                pass
            async with session.get(other.url + "/api"):
                pass

    asyncio.run(send())
    assert resource.tokens() == [client.token()] * 3
    assert other.tokens() == [client.token()]


def test_the_history_of_requests(client: tokenwell.Client, resource: Resource) -> None:
    resource.answers = [(401, INVALID), (302, {"Location": "/next"})]
    response = requests.get(resource.url, auth=tokenwell.requests.TokenwellAuth(client), timeout=10)
    assert response.status_code == 200
    assert resource.tokens()[1:] == [client.token()] * 2
    assert response.history[-1].status_code == 302
    assert response.request.headers["Authorization"] == client.authorization()


def test_a_redirect_answered_by_401_is_not_posted_again(client: tokenwell.Client, resource: Resource) -> None:
    """httpx: a 303 after a POST leads to a GET; its 401 must not repeat the POST."""
    resource.answers = [(303, {"Location": "/made"}), (401, INVALID)]
    assert by_httpx(client, [("POST", f"{resource.url}/make", b"once")]) == [401]
    assert [(method, path) for method, path, *_ in resource.seen] == [("POST", "/make"), ("GET", "/made")]


def test_an_expired_token_is_renewed_before_it_is_sent(
    door: Door, client: tokenwell.Client, resource: Resource
) -> None:
    first = client.token()
    advance_clock(3601)
    assert door(client, [("GET", resource.url, None)]) == [200]
    assert resource.tokens() == [client.token()]
    assert first != client.token()


@pytest.mark.parametrize(
    ("challenges", "expected"),
    [
        ([], True),
        (["Bearer"], True),
        (['Bearer error="invalid_token"'], True),
        (["Bearer error=invalid_token"], True),
        (['Bearer Error = "invalid_token"'], True),
        (['Basic realm="a"', 'Bearer error="invalid_token"'], True),
        (['Bearer error_description="error=other", realm="b"'], True),
        (['Bearer error="insufficient_scope"'], False),
        (['Bearer realm="say \\"error=invalid_token\\"", error="invalid_request"'], False),
        (['Bearer error="invalid_request", scope="a"'], False),
    ],
)
def test_challenges(challenges: list[str], expected: bool) -> None:
    from tokenwell._challenge import Visit

    with tokenwell.Client(token_endpoint="http://localhost/token", client_id="a", client_secret="b") as client:
        assert Visit(client).refused("http://localhost/", 401, challenges, None) is expected
        assert not Visit(client).refused("http://localhost/", 403, challenges, None)


# --- tokens that are bound to a key (RFC 9449): the development server's resource checks each proof


@pytest.fixture
def bound(server: AuthorizationServer) -> Iterator[tuple[Realm, tokenwell.Client]]:
    realm = server.realm(dpop="required", dpop_nonce=True, expires_in=600)
    yield realm, tokenwell.Client(**realm.options, dpop=True)
    realm.delete()


def test_s29_a_bound_token_goes_with_its_proof(door: Door, bound: tuple[Realm, tokenwell.Client]) -> None:
    realm, client = bound
    url = realm.variables["resource"]
    assert door(client, [("GET", url, None), ("POST", f"{url}?a=b#c", b"body"), ("PUT", url, b"body")]) == [200, 200, 200]
    sent = [request for request in realm.requests() if request["path"].endswith("/resource")]
    assert [request["status"] for request in sent] == [200, 200, 200]
    assert len({request["headers"]["dpop"] for request in sent}) == 3


def test_s29_the_nonce_of_the_resource_is_given_once(door: Door, bound: tuple[Realm, tokenwell.Client]) -> None:
    realm, client = bound
    url = realm.variables["resource"]
    client.token()
    realm.advance(400)  # the nonce that came with the token is too old
    statuses = door(client, [("POST", url, b"body"), ("GET", url, None)])
    advance_clock(-400)
    assert statuses == [200, 200]
    sent = [request for request in realm.requests() if request["path"].endswith("/resource")]
    assert [request["status"] for request in sent] == [401, 200, 200]
    assert [request["body"] for request in sent] == ["body", "body", ""]
    assert client.stats()["invalidations"] == 0


def test_s29_a_bound_token_that_was_refused_is_replaced_once(door: Door, bound: tuple[Realm, tokenwell.Client]) -> None:
    realm, client = bound
    url = realm.variables["resource"]
    client.token()
    realm.advance(601)  # expired there, and its nonce too; the client's clock is behind then
    advance_clock(-601)
    assert door(client, [("GET", url, None)]) == [200]
    assert client.stats()["invalidations"] == 1
    assert door(client, [("GET", url, None)]) == [200]


def test_s29_a_resource_that_is_never_content_with_a_nonce(
    door: Door, bound: tuple[Realm, tokenwell.Client], resource: Resource
) -> None:
    resource.answers = [(401, {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": "n"})] * 5
    assert door(bound[1], [("GET", resource.url, None)]) == [401]
    assert len(resource.seen) == 2


@pytest.mark.parametrize("door", [by_requests, by_aiohttp])
def test_s29_each_hop_of_a_redirect_has_a_proof_of_its_own(
    door: Door, bound: tuple[Realm, tokenwell.Client], resource: Resource
) -> None:
    unproven = (401, {"WWW-Authenticate": 'DPoP error="invalid_dpop_proof"'})
    resource.answers = [(307, {"Location": "/next"}), *([unproven] if door is by_requests else []), (200, {})]
    assert door(bound[1], [("GET", f"{resource.url}/first", None)]) == [200]
    paths = [path for _, path, *_ in resource.seen]
    targets = [urlsplit(htu).path if (htu := target(proof)) else None for proof in resource.proofs]
    assert (paths[0], paths[-1], targets[0], targets[-1]) == ("/first", "/next", "/first", "/next")


def target(proof: str | None) -> str | None:
    """`htu` of a proof."""
    if proof is None:
        return None
    claims = proof.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["htu"])
