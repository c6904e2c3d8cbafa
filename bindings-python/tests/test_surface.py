"""What Python users see: objects, threads, signals, event loops, exit."""

from __future__ import annotations

import asyncio
import copy
import datetime
import gc
import pickle
import sys
import threading
import time
import traceback
import weakref
from pathlib import Path
from typing import Any

import pytest

import tokenwell
from support import client_of, until
from tokenwell.testing import AuthorizationServer, Realm, advance_clock

# --- tokens


def test_a_cached_token_is_the_same_str(realm: Realm) -> None:
    client = client_of(realm)
    token = client.token()
    assert client.token() is token
    assert asyncio.run(client.atoken()) is token
    assert client.access_token().value == token
    assert len(realm.requests()) == 1


def test_another_token_is_another_str(realm: Realm) -> None:
    client = client_of(realm)
    first = client.token()
    realm.advance(3601)
    second = client.token()
    assert first != second
    assert client.token() is second
    assert client.token(scope="a") not in (first, second)
    assert client.token() == second


@pytest.mark.parametrize("end", ["invalidate", "revoke", "close"])
def test_a_token_that_is_given_up_is_not_held(realm: Realm, end: str) -> None:
    client = client_of(realm, revocation_endpoint=realm.variables["revocation_endpoint"])
    token = client.token()
    held = sys.getrefcount(token)
    getattr(client, end)(*([token] if end == "invalidate" else []))
    assert sys.getrefcount(token) == held - 1


def test_access_token(realm: Realm) -> None:
    realm.script([{"issue": {"scope": "read", "expires_in": 600, "tenant": {"id": 7, "big": 2**63, "half": 0.5}}}])
    token = client_of(realm, scope="read write").access_token()
    assert (token.token_type, token.scope, token.source) == ("Bearer", "read", "network")
    assert 598 <= token.expires_in <= 600
    assert isinstance(token.expires_at, datetime.datetime)
    assert token.expires_at.utcoffset() == datetime.timedelta(0)
    assert token.extra == {"tenant": {"id": 7, "big": 2**63, "half": 0.5}}
    token.extra.clear()
    assert token.extra


def test_s30_an_access_token_is_frozen_and_shows_no_value(realm: Realm) -> None:
    token: Any = client_of(realm).access_token()
    with pytest.raises(AttributeError):
        token.value = "another"
    with pytest.raises(AttributeError):
        token.anything = 1
    assert not hasattr(token, "__dict__")
    for text in (repr(token), str(token), f"{token}", f"{token!s}", ascii(token)):
        assert token.value not in text
        assert text.startswith("<tokenwell.AccessToken Bearer scope=None expires_in=")
    for name in dir(token):
        if name not in ("value", "__getattribute__"):
            assert token.value not in repr(getattr(token, name))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_s30_secrets_cannot_be_pickled(realm: Realm, protocol: int) -> None:
    client = client_of(realm)
    for thing in (client, client.access_token()):
        with pytest.raises(TypeError, match="secret"):
            pickle.dumps(thing, protocol)
        with pytest.raises(TypeError, match="secret"):
            copy.copy(thing)
        with pytest.raises(TypeError, match="secret"):
            copy.deepcopy(thing)


def test_classes_cannot_be_made_or_extended_by_hand() -> None:
    with pytest.raises(TypeError):
        tokenwell.AccessToken()
    with pytest.raises(TypeError):
        type("Sub", (tokenwell.AccessToken,), {})


# --- options


@pytest.mark.parametrize(
    "options",
    [
        {"client_id": b"bytes"},
        {"client_id": 1},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"timeout": 10**400},
        {"timeout": "5"},
        {"timeout": True},
        {"client_secret": "lone \ud800 surrogate"},
        {"scope": {"a", "b"}},
        {"scope": [1]},
        {"scope": object()},
        {"extra_parameters": {1: "a"}},
        {"extra_parameters": {"a": b"b"}},
        {"extra_parameters": [("a", "b")]},
        {"tls_ca_file": b"ca.pem"},
    ],
    ids=repr,
)
def test_a_wrong_type_names_the_option(realm: Realm, options: dict[str, Any]) -> None:
    with pytest.raises(tokenwell.ConfigError, match=f"`{next(iter(options))}` must be") as caught:
        client_of(realm, **options)
    assert caught.value.code == "option_invalid"
    assert not realm.requests()


def test_a_value_that_holds_itself_is_refused(realm: Realm) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(tokenwell.ConfigError, match="`scope`"):
        client_of(realm, scope=endless)


def test_paths_tuples_and_none(realm: Realm) -> None:
    client = client_of(
        realm,
        token_endpoint=realm.https_token_endpoint,
        tls_ca_file=Path(realm.ca_file),
        scope=("a", "b"),
        audience=None,
    )
    assert client.access_token().source == "network"
    assert realm.requests()[0]["form"]["scope"] == "a b"
    assert "audience" not in realm.requests()[0]["form"]


def test_a_ca_file_stays_the_one_it_was_when_the_working_directory_changes(
    realm: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(realm.ca_file).parent)
    client = client_of(
        realm,
        token_endpoint=realm.https_token_endpoint,
        tls_ca_file=Path(realm.ca_file).name,
        # Not that of the other clients, whose connections are open.
        connect_timeout=4,
    )
    monkeypatch.chdir(tmp_path)
    assert client.access_token().source == "network"


def test_a_call_takes_its_own_options(realm: Realm) -> None:
    client = client_of(realm)
    client.token(
        scope=["x", "y"], audience="https://api.example.com", resource=["https://a.example.com/"], min_valid=1.5
    )
    form = realm.requests()[0]["form"]
    assert (form["scope"], form["audience"], form["resource"]) == (
        "x y",
        "https://api.example.com",
        "https://a.example.com/",
    )
    client.token(scope=None)
    assert "scope" not in realm.requests()[1]["form"]
    with pytest.raises(tokenwell.ConfigError, match="did you mean `scope`"):
        client.token(scop="x")  # type: ignore[call-arg]
    with pytest.raises(tokenwell.ConfigError):
        client.token(min_valid=float("nan"))
    with pytest.raises(TypeError):
        client.token("x")  # type: ignore[call-arg]


def test_from_env(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tokenwell.ConfigError, match="TOKENWELL_CLIENT_ID"):
        tokenwell.Client.from_env()
    for name, value in realm.options.items():
        monkeypatch.setenv(f"TOKENWELL_{name.upper()}", value)
    assert tokenwell.Client.from_env().token() in realm.log()["issued"]
    assert tokenwell.get_token_by_client_id_and_client_secret() == tokenwell.Client.from_env().token()
    assert len(realm.requests()) == 1


def test_the_guides_function(realm: Realm) -> None:
    arguments = (realm.client_id, realm.client_secret, realm.token_endpoint)
    token = tokenwell.get_token_by_client_id_and_client_secret(*arguments)
    assert token in realm.log()["issued"]
    assert tokenwell.get_token_by_client_id_and_client_secret(*arguments) == token
    with pytest.raises(tokenwell.ServerError):
        tokenwell.get_token_by_client_id_and_client_secret(realm.client_id, "wrong", realm.token_endpoint)
    assert len(realm.requests()) == 2


@pytest.mark.parametrize("unfit", [b"bytes", 1, "lone \ud800 surrogate"])
@pytest.mark.parametrize("name", ["client_id", "client_secret", "authentication_url"])
def test_the_guides_function_names_what_is_wrong(name: str, unfit: Any) -> None:
    option = {"authentication_url": "token_endpoint"}.get(name, name)
    with pytest.raises(tokenwell.ConfigError, match=f"`{option}` must be"):
        tokenwell.get_token_by_client_id_and_client_secret(**{name: unfit})


# --- errors


def test_the_tree_of_errors() -> None:
    names = ("ConfigError", "SecretError", "TransportError", "ServerError", "ResponseError", "CacheError")
    for name in names:
        assert getattr(tokenwell, name).__mro__[1] is tokenwell.TokenwellError
        assert getattr(tokenwell, name).__module__ == "tokenwell"
    assert tokenwell.TokenwellError.__mro__[1] is Exception
    by_hand = tokenwell.ServerError("by hand")
    assert (by_hand.code, by_hand.retryable, by_hand.hint, by_hand.retry_after) == ("internal_error", False, None, None)


def test_an_error_keeps_its_attributes_when_pickled(realm: Realm) -> None:
    with pytest.raises(tokenwell.ServerError) as caught:
        client_of(realm, client_secret="canary-secret").token()
    error = caught.value
    assert (error.code, error.http_status, error.retryable) == ("invalid_client", 401, False)
    assert error.hint and error.hint in str(error)
    assert error.retry_after and error.retry_after > 0
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is tokenwell.ServerError
    assert vars(again) == vars(error)


def test_s30_no_text_shows_a_secret(realm: Realm) -> None:
    client = client_of(realm, client_secret="canary-secret")
    with pytest.raises(tokenwell.ServerError) as caught:
        client.token()
    texts = [
        repr(client),
        str(client),
        repr(caught.value),
        str(vars(caught.value)),
        repr(client.stats()),
        repr(client.atoken()),
    ]
    texts += traceback.format_exception(type(caught.value), caught.value, caught.value.__traceback__)
    assert not [text for text in texts if "canary-secret" in text]
    assert not hasattr(client, "__dict__")


def test_f38_a_panic_is_an_error(realm: Realm) -> None:
    tokenwell.testing.panic_in_next_flight()
    with pytest.raises(tokenwell.TokenwellError) as caught:
        client_of(realm).token()
    assert (type(caught.value), caught.value.code) == (tokenwell.TokenwellError, "internal_error")


# --- the life of a client


def test_close_and_context_managers(realm: Realm) -> None:
    with client_of(realm) as client:
        client.token()
    for call in ("token", "access_token", "authorization"):
        with pytest.raises(tokenwell.ConfigError) as caught:
            getattr(client, call)()
        assert caught.value.code == "client_closed"
    client.close()

    async def use() -> None:
        async with client_of(realm) as client:
            assert await client.aauthorization() == "Bearer " + await client.atoken()
        with pytest.raises(tokenwell.ConfigError):
            await client.atoken()
        with pytest.raises(ZeroDivisionError):
            async with client_of(realm):
                raise ZeroDivisionError

    asyncio.run(use())
    with pytest.raises(ZeroDivisionError), client_of(realm):
        raise ZeroDivisionError


def test_invalidate_takes_a_str_or_an_access_token(realm: Realm) -> None:
    client = client_of(realm)
    client.invalidate("unknown")
    token = client.access_token()
    client.invalidate(token)
    second = client.token()
    assert second != token.value
    advance_clock(6)
    client.invalidate(second)
    assert client.token() != second
    assert client.stats()["invalidations"] == 2
    with pytest.raises(TypeError):
        client.invalidate(None)  # type: ignore[arg-type]


def test_weak_references(realm: Realm) -> None:
    client = client_of(realm)
    token = client.access_token()
    dead: list[weakref.ref[Any]] = [weakref.ref(client), weakref.ref(token)]
    del client, token
    gc.collect()
    assert [reference() for reference in dead] == [None, None]


# --- threads and processes


def test_other_threads_run_during_a_fetch(realm: Realm) -> None:
    realm.script([{"issue": {}, "delay": 0.5}])
    client = client_of(realm)
    fetch = threading.Thread(target=client.token)
    fetch.start()
    until(lambda: client.stats()["in_flight"])
    turns = 0
    while fetch.is_alive():
        turns += 1
        time.sleep(0.001)
    assert turns > 50


def test_f22_threads_share_one_request(realm: Realm) -> None:
    realm.script([{"issue": {}, "delay": 0.2}])
    client = client_of(realm)
    tokens: list[str] = []
    threads = [threading.Thread(target=lambda: tokens.extend(client.token() for _ in range(100))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 1600
    assert len(set(tokens)) == 1
    assert len(realm.requests()) == 1


# --- the development server


def test_the_development_server(authorization_server: AuthorizationServer) -> None:
    server = authorization_server
    client = tokenwell.Client(**server.options)
    token = client.access_token()
    assert token.value in server.log()["issued"]
    server.advance(token.expires_in + 1)
    assert client.token() != token.value
    assert [request["method"] for request in server.requests()] == ["POST", "POST"]
    other = server.realm(client_id="me", expires_in=60)
    assert (other.client_id, other.requests()) == ("me", [])
    assert tokenwell.Client(**other.options).access_token().expires_in <= 60


def test_a_missing_development_server_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENWELL_DEV_SERVER", "/nowhere/tokenwell-dev-server")
    with pytest.raises(RuntimeError, match="TOKENWELL_DEV_SERVER"), AuthorizationServer():
        pass
