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
    token_endpoint: str | None
    revocation_endpoint: str | None
    introspection_endpoint: str | None
    provider: str | None
    client_id: Required[str]
    client_secret: _Source | None
    token_endpoint_auth_method: _AuthMethod | None
    basic_encoding: Literal["form", "raw"] | None
    private_key: _Source | None
    private_key_id: str | None
    token_endpoint_auth_signing_alg: str | None
    grant_type: str | None
    assertion_subject: str | None
    subject_token: _Source | None
    subject_token_type: str | None
    actor_token: _Source | None
    actor_token_type: str | None
    assertion_audience: str | None
    assertion_type_header: str | None
    client_assertion: _Source | None
    dpop: bool | Literal["ES256", "ES384", "EdDSA", "RS256", "PS256"] | None
    dpop_key: _Source | None
    tls_client_certificate: _Source | None
    tls_client_key: _Source | None
    tls_ca_file: str | PathLike[str] | None
    proxy: str | None
    connect_timeout: float | None
    timeout: float | None
    scope: _Strings | None
    audience: _Strings | None
    resource: _Strings | None
    authorization_details: list[dict[str, Any]] | tuple[dict[str, Any], ...] | None
    extra_parameters: dict[str, str] | None
    refresh_at: float | None
    leeway: float | None
    default_lifetime: float | None
    cache: _Cache | None
    cache_key: _Source | None
    require_private_files: bool | None

__version__: Final[str]

class TokenwellError(Exception):
    code: str
    message: str
    retryable: bool
    retry_after: float | None
    http_status: int | None
    error_description: str | None
    hint: str | None

class ConfigError(TokenwellError): ...
class SecretError(TokenwellError): ...
class TransportError(TokenwellError): ...
class ServerError(TokenwellError): ...
class ResponseError(TokenwellError): ...
class CacheError(TokenwellError): ...

@final
class AccessToken:
    @property
    def value(self) -> str: ...
    @property
    def token_type(self) -> str: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def expires_in(self) -> int: ...
    @property
    def scope(self) -> str | None: ...
    @property
    def source(self) -> Literal["network", "memory", "file", "redis"]: ...
    @property
    def extra(self) -> dict[str, Any]: ...

@final
class Client:
    def __new__(cls, **options: Unpack[_Options]) -> Self: ...
    @classmethod
    def from_env(cls) -> Client: ...
    def token(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> str: ...
    def access_token(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> AccessToken: ...
    def authorization(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> str: ...
    def atoken(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> Coroutine[Any, Any, str]: ...
    def aaccess_token(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> Coroutine[Any, Any, AccessToken]: ...
    def aauthorization(
        self,
        *,
        scope: _Strings | None = None,
        audience: _Strings | None = None,
        resource: _Strings | None = None,
        min_valid: float | None = None,
    ) -> Coroutine[Any, Any, str]: ...
    def invalidate(self, token: str | AccessToken) -> None: ...
    def dpop_proof(self, method: str, url: str, token: str | AccessToken) -> str: ...
    def dpop_nonce(self, url: str, nonce: str) -> None: ...
    def revoke(self) -> None: ...
    def introspect(self) -> dict[str, Any]: ...
    def arevoke(self) -> Coroutine[Any, Any, None]: ...
    def aintrospect(self) -> Coroutine[Any, Any, dict[str, Any]]: ...
    def stats(self) -> dict[str, int]: ...
    def close(self) -> None: ...
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
) -> str: ...
def testing_door(name: str, seconds: float) -> None: ...
def run_command_line(arguments: list[str]) -> int: ...
