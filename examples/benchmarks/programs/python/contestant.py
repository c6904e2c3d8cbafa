"""The command line of a contestant (../../README.md). A program says how it gets a token; what is not needed is not imported."""

import os
import sys

TOKEN_ENDPOINT = os.environ["TOKEN_ENDPOINT"]
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]
CA_FILE = os.environ.get("CA_FILE")
SCOPE = os.environ.get("SCOPE")


def cannot(why):
    print(why)
    sys.exit(3)


def _run(count, work):
    """Runs `work` in so many threads, and raises what one of them raised. They are daemons, since `threading` looks through all
    that are none whenever it starts another."""
    import threading

    threading.stack_size(256 * 1024)
    errors = []

    def run():
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def in_threads(count, work):
    """Calls `work` in so many threads at once; nanoseconds from when the first begins until the last is done, and
    what the process worked meanwhile."""
    import threading
    import time

    start = threading.Barrier(count)
    wall, cpu = [], []

    def timed():
        start.wait()
        cpu.append(time.process_time_ns())
        wall.append(time.perf_counter_ns())
        work()
        wall.append(time.perf_counter_ns())
        cpu.append(time.process_time_ns())

    _run(count, timed)
    return max(wall) - min(wall), max(cpu) - min(cpu)


def _cold(count, call):
    """So many threads, each of which calls as soon as it is there, and stays until all have been answered."""
    import threading
    import time

    began, ended = [], []
    left = iter(range(count - 1))  # `next` of it is atomic
    answered = threading.Lock()
    answered.acquire()

    def timed():
        began.append(time.perf_counter_ns())
        try:
            call()
            ended.append(time.perf_counter_ns())
        finally:
            if next(left, None) is None:  # the last
                answered.release()
            with answered:
                pass

    _run(count, timed)
    return {"wall_ms": (max(ended) - min(began)) / 1e6, "last_ms": (max(began) - min(began)) / 1e6, "callers": "threads"}


def _shared(count, at_once, call):
    """`count` calls by `at_once` threads."""
    left = iter(range(count))  # `next` of it is atomic

    def work():
        for _ in left:
            call()

    if at_once == 1:
        work()
    else:
        in_threads(at_once, work)


def _cached(call, count, threads):
    from itertools import repeat

    def work():
        for _ in repeat(None, count):
            call()

    for _ in range(count // 10 + 1):
        call()
    wall, cpu = in_threads(threads, work)
    return {"ns": wall / count, "cpu_ns": cpu / count / threads, "calls": count * threads}


def _measured(count, run):
    """CPU and wall time of `run(count)`, for each of them, after a warm-up."""
    import time

    run(count // 10 + 1)
    worked, began = time.process_time_ns(), time.perf_counter_ns()
    run(count)
    return {"cpu_us": (time.process_time_ns() - worked) / count / 1e3, "wall_us": (time.perf_counter_ns() - began) / count / 1e3}


def _versions(name, distribution):
    from importlib.metadata import version

    return {"name": name, "version": version(distribution)}


def _show(answer):
    import json

    print(json.dumps(answer))


def _order():
    """The mode and its numbers, 1 where there is none."""
    mode, *rest = sys.argv[1:]
    numbers = [int(number) for number in rest]
    return mode, *numbers, *[1] * (2 - len(numbers))


def play(name, distribution, keeping=None, fetching=None):
    """`keeping` makes a function that gives a token, kept or new; `fetching` one that fetches each time, over what can be kept of
    the connection. None: the library has no such thing."""
    mode, count, at_once = _order()
    if mode == "versions":
        answer = _versions(name, distribution)
    elif mode == "once":
        (keeping or fetching)()()
        return print("ok")
    elif mode == "fetch":
        call = fetching() if fetching else cannot("always keeps the token")
        answer = _measured(count, lambda number: _shared(number, at_once, call))
    elif keeping is None:
        cannot("keeps no token")
    elif mode == "cached":
        answer = _cached(keeping(), count, at_once)
    elif mode == "cold":
        answer = _cold(count, keeping())
    else:
        raise SystemExit(f"no mode is named {mode!r}")
    _show(answer)


def play_async(name, distribution, keeping=None, fetching=None):
    """The same where the functions are coroutine functions, made inside of the event loop."""
    import asyncio
    import time

    mode, count, at_once = _order()

    async def together(number, call, places):
        left = iter(range(number))

        async def work():
            for _ in left:
                await call()

        await asyncio.gather(*(work() for _ in range(places)))

    async def fetch():
        call = fetching() if fetching else cannot("always keeps the token")
        await together(count // 10 + 1, call, at_once)
        worked, began = time.process_time_ns(), time.perf_counter_ns()
        await together(count, call, at_once)
        return {"cpu_us": (time.process_time_ns() - worked) / count / 1e3, "wall_us": (time.perf_counter_ns() - began) / count / 1e3}

    async def cached():
        call = keeping()
        for _ in range(count // 10 + 1):
            await call()
        worked, began = time.process_time_ns(), time.perf_counter_ns()
        for _ in range(count):
            await call()
        wall, cpu = time.perf_counter_ns() - began, time.process_time_ns() - worked
        return {"ns": wall / count, "cpu_ns": cpu / count, "calls": count}

    async def cold():
        call = keeping()
        last = began = time.perf_counter_ns()

        async def caller():
            nonlocal last
            last = time.perf_counter_ns()
            await call()

        await asyncio.gather(*(caller() for _ in range(count)))
        return {"wall_ms": (time.perf_counter_ns() - began) / 1e6, "last_ms": (last - began) / 1e6, "callers": "tasks of asyncio"}

    async def once():
        await (keeping or fetching)()()

    if mode == "versions":
        answer = _versions(name, distribution)
    elif mode == "once":
        asyncio.run(once())
        return print("ok")
    elif mode == "fetch":
        answer = asyncio.run(fetch())
    elif keeping is None:
        cannot("keeps no token")
    elif mode == "cached":
        answer = asyncio.run(cached()) if at_once == 1 else cannot("an event loop is one thread")
    elif mode == "cold":
        answer = asyncio.run(cold())
    else:
        raise SystemExit(f"no mode is named {mode!r}")
    _show(answer)
