"""OAuth 2.0 access tokens for services (RFC 6749 4.4): fetched once, kept, refreshed in time.

    client = tokenwell.Client(token_endpoint="https://...", client_id="...", client_secret="...")
    client.token()         # a bearer token; a valid one is kept, so the next call sends nothing
    await client.atoken()  # the same in asyncio

`tokenwell.requests`, `.httpx` and `.aiohttp` put it into the requests of these libraries; `tokenwell.testing` starts an
authorization server for tests.
"""

from ._native import (
    AccessToken,
    CacheError,
    Client,
    ConfigError,
    ResponseError,
    SecretError,
    ServerError,
    TokenwellError,
    TransportError,
    __version__,
    get_token_by_client_id_and_client_secret,
)

# What an exception says that was made by hand.
TokenwellError.code, TokenwellError.message, TokenwellError.retryable = "internal_error", "", False
TokenwellError.retry_after = TokenwellError.http_status = None
TokenwellError.error_description = TokenwellError.hint = None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

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
]


def __getattr__(name: str) -> "ModuleType":
    """The modules for other libraries, imported when they are first used."""
    if name not in ("aiohttp", "httpx", "requests", "testing"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.{name}")
