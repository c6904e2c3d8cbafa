from collections.abc import Coroutine
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Any, Final, Literal, TypedDict, final

from typing_extensions import Required, Self, TypeAlias, Unpack

__all__ = [
    "AccessToken",
    "CacheError",
    "Client",
    "ConfigError",
    "ResponseError",
    "SecretError",
    "ServerError",
    "TokenwellError",
    "TransportError",
    "__version__",
    "get_token_by_client_id_and_client_secret",
    "run_command_line",
    "testing_door",
]

_Strings: TypeAlias = str | list[str] | tuple[str, ...]

class _FromEnv(TypedDict):
    env: str

class _FromFile(TypedDict):
    file: str | PathLike[str]

class _FromCommand(TypedDict):
    command: list[str] | tuple[str, ...]

class _KeyringEntry(TypedDict):
    service: str
    account: str

class _FromKeyring(TypedDict):
    keyring: _KeyringEntry

_Source: TypeAlias = str | _FromEnv | _FromFile | _FromCommand | _FromKeyring

class _Group(TypedDict, total=False):
    group: bool

class _InFile(_Group):
    file: str | PathLike[str]

class _InRedis(TypedDict):
    redis: str

_Cache: TypeAlias = Literal["memory", "none", "file"] | _InFile | _InRedis
_AuthMethod: TypeAlias = Literal[
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
]

class _Options(TypedDict, total=False):
    issuer: str | None
    """Issuer identifier (RFC 8414 section 2), https: the token endpoint is read from its metadata. This or token_endpoint."""
    token_endpoint: str | None
    """URL of the token endpoint (RFC 6749 section 3.2). https, or http on a loopback host."""
    revocation_endpoint: str | None
    """URL of the revocation endpoint (RFC 7009). Default: what the issuer's metadata names."""
    introspection_endpoint: str | None
    """URL of the introspection endpoint (RFC 7662). Default: what the issuer's metadata names."""
    provider: str | None
    """Name of a provider profile, which sets what is odd about that provider: entra, auth0, okta, keycloak, zoom, ..."""
    client_id: Required[str]
    """Client identifier (RFC 6749 section 2.2)."""
    client_secret: _Source | None
    """Client secret (RFC 6749 section 2.3.1)."""
    token_endpoint_auth_method: _AuthMethod | None
    """Client authentication method (RFC 7591 section 2). Default: client_secret_basic with a secret, private_key_jwt with a key, tls_client_auth with a certificate alone."""
    basic_encoding: Literal["form", "raw"] | None
    """Encoding of id and secret in HTTP Basic: form (RFC 6749 section 2.3.1) or raw. Default: form."""
    private_key: _Source | None
    """Private key for private_key_jwt: PEM (PKCS#1, PKCS#8, SEC1) or JWK. A certificate of it in the PEM is named in x5t#S256."""
    private_key_id: str | None
    """`kid` of the assertion's header. Default: that of the JWK, if it has one."""
    token_endpoint_auth_signing_alg: str | None
    """Algorithm of the assertion (RFC 7591 section 2): RS256, PS256, ES256, ES384, EdDSA; HS256 with a secret. Default: the key's own."""
    grant_type: str | None
    """What the token is asked for with: client_credentials, urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523 section 2.1), urn:ietf:params:oauth:grant-type:token-exchange (RFC 8693), or another name. Default: client_credentials."""
    assertion_subject: str | None
    """`sub` of the grant that is signed for jwt-bearer (RFC 7523 section 3). Default: the client."""
    subject_token: _Source | None
    """The token to exchange (RFC 8693 section 2.1), read again for each fetch."""
    subject_token_type: str | None
    """What subject_token is. Default: urn:ietf:params:oauth:token-type:access_token."""
    actor_token: _Source | None
    """The token of the one who acts for the subject (RFC 8693 section 2.1), read again for each fetch."""
    actor_token_type: str | None
    """What actor_token is. Default: urn:ietf:params:oauth:token-type:access_token."""
    assertion_audience: str | None
    """`aud` of the assertion. Default: the issuer."""
    assertion_type_header: str | None
    """`typ` of the assertion's header. Default: client-authentication+jwt."""
    client_assertion: _Source | None
    """A ready assertion from a source, read again for each fetch (RFC 7523 section 2.2; workload identity federation)."""
    dpop: bool | Literal["ES256", "ES384", "EdDSA", "RS256", "PS256"] | None
    """Proof of possession (RFC 9449): true, or the algorithm of the proofs: ES256, ES384, EdDSA; RS256, PS256 with dpop_key. Default: false."""
    dpop_key: _Source | None
    """Private key of the proofs: PEM or JWK, read once, when the client is made. Default: a new key for each client."""
    tls_client_certificate: _Source | None
    """Client certificate, PEM, its chain behind it: for tls_client_auth, and to bind tokens to it (RFC 8705). https only."""
    tls_client_key: _Source | None
    """Private key of tls_client_certificate, PEM."""
    tls_ca_file: str | PathLike[str] | None
    """PEM file of the certificate authorities to trust instead of the operating system's."""
    proxy: str | None
    """URL of an HTTP proxy. Default: the proxy variables of the environment."""
    connect_timeout: float | None
    """Seconds that a connection may take. Default: 5."""
    timeout: float | None
    """Seconds that a call may take in all, repeats included. Default: 10."""
    scope: _Strings | None
    """Scope (RFC 6749 section 3.3): a string with spaces, or a list."""
    require_scope: bool | None
    """Whether an answer with less than the scope that was asked for is an error (RFC 6749 section 3.3). Default: false, it is shown."""
    audience: _Strings | None
    """Audience of the token (RFC 8693 section 2.1), as many servers take it: a string or a list."""
    resource: _Strings | None
    """Resource indicators (RFC 8707): absolute URIs without fragment."""
    authorization_details: list[dict[str, Any]] | tuple[dict[str, Any], ...] | None
    """Authorization details (RFC 9396): a list of objects, each with its type."""
    extra_parameters: dict[str, str] | None
    """Additional parameters of the token request. None of those that the library sets."""
    refresh_at: float | None
    """Fraction of the lifetime after which a token is refreshed in the background. Default: 0.75."""
    leeway: float | None
    """Seconds before expiry from which a token is no longer handed out without asking. Default: the smaller of 10 and a tenth of the lifetime."""
    default_lifetime: float | None
    """Seconds that a token without expires_in is taken to live. Default: 300."""
    cache: _Cache | None
    """Where tokens are kept: "memory", "none", or for other processes too "file", {"file": DIR}, {"redis": URL}. Default: memory."""
    cache_key: _Source | None
    """Secret of 16 bytes or more that seals what is kept in a shared store. Default: derived from the client's credential."""
    require_private_files: bool | None
    """Whether a file with a secret that every user of the machine can read is an error. Default: false, it is warned of."""

__version__: Final[str]

class TokenwellError(Exception):
    """Why there is no token.

    code: a stable string (`invalid_client`, `timeout`, ...). message: one sentence. retryable: whether the same call
    can succeed later. retry_after: seconds until it is tried again, or None. http_status: of the server's answer, or
    None. error_description: the server's own text, cleaned (RFC 6749 5.2), or None. hint: what to do next, or None.
    """
    code: str
    message: str
    retryable: bool
    retry_after: float | None
    http_status: int | None
    error_description: str | None
    hint: str | None

class ConfigError(TokenwellError):
    """An option is missing, unknown or wrong; nothing was sent."""

class SecretError(TokenwellError):
    """A source of a secret could not be read."""

class TransportError(TokenwellError):
    """No answer: dns, connect, tls, proxy, timeout or closed."""

class ServerError(TokenwellError):
    """The server's own OAuth error answer (RFC 6749 5.2)."""

class ResponseError(TokenwellError):
    """The answer is not a token answer of RFC 6749 5.1."""

class CacheError(TokenwellError):
    """A shared store failed; never raised by a call for a token."""

@final
class AccessToken:
    """A token answer (RFC 6749 5.1). Neither its repr nor its str shows the value, and it cannot be pickled."""

    @property
    def value(self) -> str:
        """The token itself: a secret."""
    @property
    def token_type(self) -> str:
        """`Bearer` (RFC 6750) or `DPoP` (RFC 9449)."""
    @property
    def expires_at(self) -> datetime:
        """When it ends: an aware datetime in UTC."""
    @property
    def expires_in(self) -> int:
        """Whole seconds left now; 0 when it has expired."""
    @property
    def scope(self) -> str | None:
        """What the server granted, or None if it did not say."""
    @property
    def source(self) -> Literal["network", "memory", "file", "redis"]:
        """Where this call got it from: `network`, `memory`, `file` or `redis`."""
    @property
    def extra(self) -> dict[str, Any]:
        """The other members of the answer: a new dict at each access."""

@final
class Client:
    """Access tokens of one OAuth 2.0 client (RFC 6749 4.4): fetched once, kept, refreshed in time. Safe to share by threads and tasks.
    Clients of equal options share their tokens. Making one does no I/O. An unknown or wrong option raises a ConfigError.
    """

    def __new__(cls, **options: Unpack[_Options]) -> Self: ...
    @classmethod
    def from_env(cls) -> Client:
        """A client whose options come from the environment: TOKENWELL_CLIENT_ID and so on."""
    def token(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> str:
        """A bearer token. Blocks while there is none, at most `timeout` seconds; other threads run and Ctrl-C works.

        scope: str or list; audience: str or list; resource: list of URLs (RFC 8707); min_valid: seconds the token must still live.
        """
    def access_token(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> AccessToken:
        """The whole answer. As token()."""
    def authorization(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> str:
        """The value of the Authorization header: "Bearer ..." (RFC 6750 2.1) or "DPoP ..." (RFC 9449 7.1). As token()."""
    def atoken(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> Coroutine[Any, Any, str]:
        """token() for asyncio. Cancelling the caller leaves the fetch running for the others."""
    def aaccess_token(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> Coroutine[Any, Any, AccessToken]:
        """access_token() for asyncio."""
    def aauthorization(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> Coroutine[Any, Any, str]:
        """authorization() for asyncio."""
    def invalidate(self, token: str | AccessToken) -> None:
        """The resource answered 401: forget this very token (a str or an AccessToken), and no newer one."""
    def dpop_proof(self, method: str, url: str, token: str | AccessToken) -> str:
        """A proof for the header DPoP (RFC 9449 4.2), new for each request of your own that sends `token` (a str or an AccessToken)."""
    def dpop_nonce(self, url: str, nonce: str) -> None:
        """Keeps the DPoP-Nonce of an answer for the next proofs to the origin of `url`; use_dpop_nonce asks for one more try with it."""
    def revoke(self) -> None:
        """Ends the tokens held (RFC 7009): they are given up first, whatever the server answers. Blocks as token()."""
    def introspect(self) -> dict[str, Any]:
        """What the server says of this client's token (RFC 7662), as a dict with `active`. Blocks as token()."""
    def arevoke(self) -> Coroutine[Any, Any, None]:
        """revoke() for asyncio."""
    def aintrospect(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """introspect() for asyncio."""
    def stats(self) -> dict[str, int]:
        """What this client has done so far: token_requests, flights, in_flight, joined, failures, refused, stale, invalidations, store_hits, store_misses, store_errors, exposed_files."""
    def close(self) -> None:
        """Ends the client: later calls raise a ConfigError with the code client_closed. May be called again."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...
    def __aenter__(self) -> Coroutine[Any, Any, Self]: ...
    def __aexit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None, /
    ) -> Coroutine[Any, Any, None]: ...

def get_token_by_client_id_and_client_secret(
    client_id: str | None = None,
    client_secret: str | None = None,
    authentication_url: str | None = None,
) -> str:
    """A bearer token for the three arguments of the common snippet, each falling back to its environment variable:
    TOKENWELL_CLIENT_ID, TOKENWELL_CLIENT_SECRET, TOKENWELL_TOKEN_ENDPOINT.

    Never None: whatever goes wrong raises a TokenwellError. A valid token is kept, so a second call sends nothing.
    """

def testing_door(name: str, seconds: float) -> None:
    """The doors for tests, which `tokenwell.testing` has functions for."""

def run_command_line(arguments: list[str]) -> int:
    """Runs the command line with these arguments, without the program's name; its exit code."""
