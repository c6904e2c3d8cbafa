"""An ASGI application, loaded by the parent (gunicorn) or by each worker (uvicorn)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import parent


async def application(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    started = time.monotonic()
    parent.report("child", await parent.client.aaccess_token(), started)
    # On the event loop itself, so that this worker takes no second request.
    parent.until("child-*", parent.CHILDREN)
    await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})
