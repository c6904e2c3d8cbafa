"""What multiprocessing runs in a child; the parent's module is loaded by then where the parent has loaded it."""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any


def child() -> None:
    import parent

    parent.child()


def main(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["parent"])
    else:
        import parent  # noqa: F401
    processes = [context.Process(target=child) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
