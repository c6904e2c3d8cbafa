"""What only a process of its own can show: import, Ctrl-C, exit."""

from __future__ import annotations

import re
import textwrap
import time

import pytest

from support import HANG, interrupt, run, start
from tokenwell.testing import Realm

# --- import


def test_import_starts_no_thread_and_makes_none_for_a_client() -> None:
    output, _ = run(
        """
        import os
        count = lambda: len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
        import tokenwell
        first = count()
        tokenwell.Client(token_endpoint="https://localhost:1/token", client_id="a", client_secret="b")
        print(first, count())
        """
    )
    assert output == "1 1"


def test_import_is_light() -> None:
    output, _ = run(
        """
        import sys
        before = set(sys.modules)
        import tokenwell
        print(*sorted(set(sys.modules) - before))
        """
    )
    assert output == "tokenwell tokenwell._native"


def test_import_is_fast() -> None:
    times = []
    for _ in range(5):
        _, errors = run("import tokenwell", None, "-X", "importtime")
        found = re.search(r"\| *(\d+) \| tokenwell$", errors, re.MULTILINE)
        assert found
        times.append(int(found[1]) / 1000)
    print(f"import: {min(times):.2f} ms")
    assert min(times) < 50, f"{times} ms"


def test_modules_for_other_libraries_are_found_by_name() -> None:
    output, _ = run(
        """
        import tokenwell
        print(tokenwell.requests.TokenwellAuth.__name__, tokenwell.testing.AuthorizationServer.__name__)
        try: tokenwell.nothing
        except AttributeError as error: print(error)
        """
    )
    assert output == "TokenwellAuth AuthorizationServer\nmodule 'tokenwell' has no attribute 'nothing'"


def test_testing_does_not_import_pytest() -> None:
    assert run("import sys, tokenwell.testing; print('pytest' in sys.modules)")[0] == "False"


def test_expires_at_is_by_the_wall_clock(realm: Realm) -> None:
    output, _ = run(
        """
        import datetime, tokenwell
        before = datetime.datetime.now(datetime.timezone.utc)
        token = tokenwell.Client.from_env().access_token()
        print((token.expires_at - before).total_seconds())
        """,
        realm,
    )
    assert 3599 <= float(output) <= 3605


# --- Ctrl-C


def test_f27_ctrl_c_ends_a_blocking_fetch_at_once(realm: Realm) -> None:
    realm.script(HANG)
    program = """
        import tokenwell
        client = tokenwell.Client.from_env()
        try: client.token()
        except KeyboardInterrupt: print("interrupted", client.stats()["in_flight"])
    """
    took, output, errors = interrupt(start(program, realm), realm)
    assert (output, errors) == ("interrupted 1", "")
    assert took < 1


def test_f27_ctrl_c_ends_asyncio_at_once(realm: Realm) -> None:
    realm.script(HANG)
    program = """
        import asyncio, tokenwell
        try: asyncio.run(tokenwell.Client.from_env().atoken())
        except KeyboardInterrupt: print("interrupted")
    """
    took, output, errors = interrupt(start(program, realm), realm)
    assert (output, errors) == ("interrupted", "")
    assert took < 1


def test_f27_a_handler_runs_during_a_fetch_and_the_fetch_goes_on(realm: Realm) -> None:
    realm.script([{"issue": {}, "delay": 1}])
    program = """
        import signal, tokenwell
        signal.signal(signal.SIGINT, lambda *_: print("handled"))
        print(len(tokenwell.Client.from_env().token()) > 10)
    """
    _, output, _ = interrupt(start(program, realm), realm)
    assert output == "handled\nTrue"


# --- threads


def test_thousands_of_threads_do_not_fight_for_the_gil(realm: Realm) -> None:
    """Once the token is there: if all asked for the GIL at once, each would sleep and wake more than twenty times until it had it."""
    realm.script([{"issue": {}, "delay": 3}])
    output, _ = run(
        """
        import resource, threading, tokenwell
        client, count = tokenwell.Client.from_env(), 1000
        threading.stack_size(256 * 1024)
        threads = [threading.Thread(target=client.token) for _ in range(count)]
        for thread in threads: thread.start()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        for thread in threads: thread.join()
        print(client.stats()["token_requests"], (resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before) / count)
        """,
        realm,
    )
    requests, switches = output.split()
    assert requests == "1"
    assert float(switches) < 8, switches


# --- exit

EXITS = {
    "a daemon thread waits": """
        import threading
        threading.Thread(target=client.token, daemon=True).start()
    """,
    "a task was left": """
        import asyncio
        loop = asyncio.new_event_loop()
        task = loop.create_task(client.atoken())
        loop.run_until_complete(asyncio.sleep(0.05))
    """,
    "a task was cancelled": """
        import asyncio
        async def main():
            task = asyncio.create_task(client.atoken())
            await asyncio.sleep(0.05)
        asyncio.run(main())
    """,
    "a background refresh runs": """
        import tokenwell.testing
        client.token(); tokenwell.testing.advance_clock(3000); client.token()
    """,
}


@pytest.mark.parametrize("name", EXITS)
@pytest.mark.parametrize("delay", [5, 0.25], ids=["long after", "in the middle"])
def test_f27_exit_during_a_fetch(name: str, delay: float, realm: Realm) -> None:
    """At once, without a crash; also where the answer comes while the interpreter ends."""
    realm.script([{"issue": {}}] * ("refresh" in name) + [{"issue": {}, "delay": delay}] * 2)
    program = "import sys, time, tokenwell\nclient = tokenwell.Client.from_env()\n"
    program += textwrap.dedent(EXITS[name]) + "\ntime.sleep(0.2)\nprint(time.time())\n"
    process = start(program, realm)
    output, errors = process.communicate(timeout=10)
    took = time.time() - float(output)
    assert process.returncode == 0, errors
    assert took < 0.5, f"{took:.3f} s from the last line to the end"
    assert all(word not in errors for word in ("panic", "Fatal", "Segmentation")), errors
