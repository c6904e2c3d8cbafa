"""Proofs (RFC 9449) and client assertions (RFC 7523), verified by PyJWT: not by the code that made them."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import tokenwell
from tokenwell.testing import AuthorizationServer, Realm

KEYS = {
    "RS256": "rsa_private_key",
    "PS256": "rsa_private_key",
    "ES256": "ec_private_key",
    "ES384": "ec384_private_key",
    "EdDSA": "ed25519_private_key",
}
GENERATED = ("ES256", "ES384", "EdDSA")
URL = "https://me:hush@API.example.com:443/orders?a=b#c"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sha256(text: str) -> str:
    return base64url(hashlib.sha256(text.encode()).digest())


def proven(proof: str, algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The key in a proof's header, and the claims that it signed."""
    header = jwt.get_unverified_header(proof)
    assert (header["typ"], header["alg"]) == ("dpop+jwt", algorithm)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & header["jwk"].keys()
    key = jwt.PyJWK(header["jwk"], algorithm=algorithm).key
    return header["jwk"], jwt.decode(proof, key, algorithms=[algorithm], options={"require": ["jti", "iat"]})


@pytest.fixture
def bound(server: AuthorizationServer) -> Iterator[Realm]:
    realm = server.realm(dpop="required", access_token_format="jwt")
    yield realm
    realm.delete()


@pytest.mark.parametrize(
    ("algorithm", "given"), [*((name, True) for name in KEYS), *((name, False) for name in GENERATED)]
)
def test_s29_a_proof(bound: Realm, algorithm: str, given: bool) -> None:
    key = {"dpop_key": bound.variables[KEYS[algorithm]]} if given else {}
    client = tokenwell.Client(**bound.options, dpop=algorithm, **key)  # type: ignore[arg-type]
    token = client.access_token()
    client.dpop_nonce("https://api.example.com/", "a-nonce")
    jwk, claims = proven(client.dpop_proof("POST", URL, token), algorithm)
    assert set(claims) == {"jti", "htm", "htu", "iat", "ath", "nonce"}
    assert (claims["htm"], claims["htu"]) == ("POST", "https://api.example.com/orders")
    assert (claims["ath"], claims["nonce"]) == (sha256(token.value), "a-nonce")
    assert abs(claims["iat"] - time.time()) < 5
    # The thumbprint (RFC 7638): what the server has bound the token to.
    thumbprint = sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True))
    issued = jwt.decode(token.value, options={"verify_signature": False})
    assert issued["cnf"] == {"jkt": thumbprint}
    if given:
        mine = load_pem_private_key(bound.variables[KEYS[algorithm]].encode(), None).public_key()
        assert jwt.PyJWK(jwk, algorithm=algorithm).key == mine


def test_s29_the_proof_of_the_token_request(bound: Realm) -> None:
    tokenwell.Client(**bound.options, dpop=True).token()
    _, claims = proven(bound.requests()[-1]["headers"]["dpop"], "ES256")
    assert set(claims) == {"jti", "htm", "htu", "iat"}
    assert (claims["htm"], claims["htu"]) == ("POST", bound.token_endpoint)


def test_s29_no_proof_without_dpop(realm: Realm) -> None:
    client = tokenwell.Client(**realm.options)
    with pytest.raises(tokenwell.ConfigError) as caught:
        client.dpop_proof("GET", URL, "a")
    assert caught.value.code == "option_missing"
    client.dpop_nonce(URL, "n")


@pytest.mark.parametrize(
    ("method", "url"), [("", URL), ("GET ", URL), ("GET", "/orders"), ("GET", "mailto:a@example.com"), ("GET", "")]
)
def test_s29_what_is_no_request(bound: Realm, method: str, url: str) -> None:
    client = tokenwell.Client(**bound.options, dpop=True)
    with pytest.raises(tokenwell.ConfigError) as caught:
        client.dpop_proof(method, url, "a")
    assert caught.value.code == "option_invalid"
    client.dpop_nonce(url, "n")
    client.close()
    with pytest.raises(tokenwell.ConfigError) as caught:
        client.dpop_proof("GET", URL, "a")
    assert caught.value.code == "client_closed"


@pytest.mark.parametrize("algorithm", [*KEYS, "HS256"])
def test_s24_an_assertion(server: AuthorizationServer, algorithm: str) -> None:
    method = "client_secret_jwt" if algorithm == "HS256" else "private_key_jwt"
    realm = server.realm(jwks="test", auth_methods=[method])
    options: dict[str, Any] = {**realm.options, "assertion_audience": realm.issuer, "token_endpoint_auth_method": method}
    key: Any = realm.client_secret
    if algorithm != "HS256":
        del options["client_secret"]
        pem = realm.variables[KEYS[algorithm]]
        options.update(private_key=pem, token_endpoint_auth_signing_alg=algorithm)
        key = load_pem_private_key(pem.encode(), None).public_key()
    tokenwell.Client(**options).token()
    assertion = realm.requests()[-1]["form"]["client_assertion"]
    claims = jwt.decode(
        assertion, key, algorithms=[algorithm], audience=realm.issuer, issuer=realm.client_id, subject=realm.client_id
    )
    assert set(claims) == {"iss", "sub", "aud", "jti", "iat", "nbf", "exp"}
    assert jwt.get_unverified_header(assertion)["typ"] == "client-authentication+jwt"
    realm.delete()
