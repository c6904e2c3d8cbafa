"""The Basic header (RFC 6749 section 2.3.1) as the server gets it, against the standard library: not by the code that made it."""

from __future__ import annotations

import base64
import itertools
from urllib.parse import quote, unquote_plus

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tokenwell
from tokenwell.testing import Realm

# What may be in a credential: no control character, and no half of a surrogate pair, which is no text.
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40)
# A realm for all: it answers 401, and its log has what was sent.
PROPERTY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# An example that comes twice would be refused without a request, as what failed a moment ago is: so each asks for another scope.
NUMBERS = itertools.count()


def sent(realm: Realm, client_id: str, client_secret: str, **options: str) -> str:
    client = tokenwell.Client(
        token_endpoint=realm.token_endpoint,
        client_id=client_id,
        client_secret=client_secret,
        token_endpoint_auth_method="client_secret_basic",
        scope=f"example-{next(NUMBERS)}",
        **options,  # type: ignore[arg-type]
    )
    try:
        client.token()
    except tokenwell.ServerError as error:
        assert error.http_status == 401
    finally:
        client.close()
    scheme, _, value = realm.requests()[-1]["headers"]["authorization"].partition(" ")
    assert scheme == "Basic"
    return base64.b64decode(value, validate=True).decode()


@PROPERTY
@given(client_id=TEXT, client_secret=TEXT)
def test_s09_basic_is_what_the_standard_library_decodes(realm: Realm, client_id: str, client_secret: str) -> None:
    pair = sent(realm, client_id, client_secret)
    assert pair == f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    assert [unquote_plus(part) for part in pair.split(":")] == [client_id, client_secret]


@PROPERTY
@given(client_id=TEXT.filter(lambda text: ":" not in text), client_secret=TEXT)
def test_s09_raw_basic_is_what_was_given(realm: Realm, client_id: str, client_secret: str) -> None:
    pair = sent(realm, client_id, client_secret, basic_encoding="raw")
    assert pair == f"{client_id}:{client_secret}"
