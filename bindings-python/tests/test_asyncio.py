"""Calls that are awaited: the coroutine, cancelling, event loops that close or stop, many waiters."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import os
import threading
import time
import traceback
import weakref

import pytest

import tokenwell
from support import client_of, until
from tokenwell.testing import Realm


def test_the_coroutine_protocol(realm: Realm) -> None:
    client = client_of(realm)
    coroutine = client.atoken()
    assert inspect.isawaitable(coroutine)
    assert asyncio.iscoroutine(coroutine)
    assert not realm.requests(), "it starts when it is awaited"
    token = asyncio.run(coroutine)
    with pytest.raises(RuntimeError, match="already awaited"):
        asyncio.run(coroutine)
    with pytest.raises(StopIteration) as stop:
        client.atoken().send(None)
    assert stop.value.value is token
    unused = client.atoken()
    unused.close()
    with pytest.raises(RuntimeError):
        unused.send(None)
    with pytest.raises(ZeroDivisionError):
        client.atoken().throw(ZeroDivisionError())
    with pytest.raises(RuntimeError, match="no running event loop"):
        client.atoken(scope="new").send(None)


def test_debug_mode_and_the_repr_of_a_task(realm: Realm) -> None:
    async def fetch() -> str:
        task = asyncio.create_task(client_of(realm).atoken())
        assert "Coroutine" in repr(task)
        token = await task
        assert token not in repr(client_of(realm).aaccess_token())
        return token

    assert asyncio.run(fetch(), debug=True) in realm.log()["issued"]


def test_the_event_loop_turns_during_a_fetch(realm: Realm) -> None:
    realm.script([{"issue": {}, "delay": 0.3}])
    client = client_of(realm)

    async def count() -> int:
        fetch = asyncio.create_task(client.atoken())
        turns = 0
        while not fetch.done():
            turns += 1
            await asyncio.sleep(0.001)
        return turns

    assert asyncio.run(count()) > 50


def no_readers(*_: object) -> None:
    """An event loop that watches no descriptors, as one of Windows."""
    raise NotImplementedError


def test_no_thread_that_waits_calls_the_event_loop(realm: Realm) -> None:
    """Python runs the handlers of signals where Python runs: in a call of token() they would come in the middle of its work, and
    what they raise would be lost, and the answer with it."""
    realm.script([{"issue": {}, "delay": 0.4}, {"issue": {}}])
    client = client_of(realm)
    waits = threading.Thread(target=client.token, kwargs={"scope": "a"})
    callers = []

    async def fetch() -> None:
        loop = asyncio.get_running_loop()
        plain = loop.call_soon_threadsafe

        def noted(*call: object) -> object:
            callers.append(threading.get_ident())
            return plain(*call)  # type: ignore[arg-type]

        loop.add_reader = no_readers  # type: ignore[assignment]
        loop.call_soon_threadsafe = noted  # type: ignore[assignment]
        waits.start()
        until(lambda: bool(realm.requests()))
        await client.atoken(scope="b")

    asyncio.run(fetch())
    assert waits.is_alive()
    assert callers
    assert waits.ident not in callers
    waits.join()


def test_no_other_thread_comes_for_the_gil_to_tell_an_event_loop_that_can_watch(realm: Realm) -> None:
    client = client_of(realm)

    async def fetch() -> str:
        asyncio.get_running_loop().call_soon_threadsafe = no_readers  # type: ignore[assignment]
        return await asyncio.wait_for(client.atoken(), 10)

    assert asyncio.run(fetch()) in realm.log()["issued"]


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="this system does not list a process's files")
def test_an_event_loop_that_closes_leaves_no_file_open(realm: Realm) -> None:
    client = client_of(realm, cache="none")
    open_files = []
    for _ in range(10):
        asyncio.run(client.atoken())
        open_files.append(len(os.listdir("/proc/self/fd")))
    assert open_files[-1] - open_files[0] < 10, open_files


def test_an_event_loop_keeps_nothing_of_the_caller_that_came_first(realm: Realm) -> None:
    client = client_of(realm)
    variable: contextvars.ContextVar[object] = contextvars.ContextVar("variable")

    class Value:
        pass

    async def fetch() -> weakref.ref[Value]:
        value = Value()
        variable.set(value)
        await client.atoken()
        return weakref.ref(value)

    async def both() -> None:
        value = await asyncio.create_task(fetch())
        await asyncio.sleep(0)  # asyncio itself keeps the task until then
        gc.collect()
        assert value() is None

    asyncio.run(both())


def test_waiters_are_not_held_up_by_a_busy_thread(realm: Realm) -> None:
    """All outcomes of a flight come with one turn of the GIL, not with one each."""
    realm.script([{"issue": {}, "delay": 0.2}])
    client = client_of(realm)
    busy = True

    def work() -> None:
        while busy:
            pass

    async def together() -> set[str]:
        return set(await asyncio.gather(*[client.atoken() for _ in range(1000)]))

    thread = threading.Thread(target=work)
    thread.start()
    started = time.monotonic()
    try:
        assert len(asyncio.run(together())) == 1
    finally:
        busy = False
        thread.join()
    assert time.monotonic() - started < 3


def test_f23_a_cancelled_caller_leaves_the_fetch_to_the_others(realm: Realm) -> None:
    realm.script([{"issue": {}, "delay": 0.3}])
    client = client_of(realm)

    async def cancel() -> str:
        leader = asyncio.create_task(client.atoken())
        other = asyncio.create_task(client.atoken())
        await asyncio.sleep(0.05)
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.atoken(), 0.05)
        return await other

    assert asyncio.run(cancel()) in realm.log()["issued"]
    assert len(realm.requests()) == 1


def test_an_error_in_asyncio(realm: Realm) -> None:
    async def fail() -> tokenwell.ServerError:
        calls = [client_of(realm, client_secret="wrong").atoken() for _ in range(3)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(type(outcome) is tokenwell.ServerError for outcome in outcomes)
        with pytest.raises(tokenwell.ServerError) as caught:
            await client_of(realm, client_secret="wrong").atoken()
        return caught.value

    assert asyncio.run(fail()).code == "invalid_client"
    assert len(realm.requests()) == 1


def test_context_variables_are_kept(realm: Realm) -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")

    async def fetch(number: int) -> int:
        variable.set(number)
        await client_of(realm).atoken(scope=str(number))
        return variable.get()

    async def together() -> list[int]:
        return await asyncio.gather(*[fetch(number) for number in range(20)])

    assert asyncio.run(together()) == list(range(20))


@pytest.mark.parametrize("watches", [True, False])
def test_f27_a_loop_that_closes_during_a_fetch(realm: Realm, watches: bool) -> None:
    realm.script([{"issue": {}, "delay": 0.2}])
    client = client_of(realm)
    loop = asyncio.new_event_loop()
    if not watches:
        loop.add_reader = no_readers  # type: ignore[assignment]
    task = loop.create_task(client.atoken())
    loop.run_until_complete(asyncio.sleep(0))
    loop.call_exception_handler = lambda context: None  # type: ignore[method-assign] # the task is left pending on purpose
    loop.close()
    until(lambda: not client.stats()["in_flight"])
    time.sleep(0.05)
    assert not task.done()
    assert asyncio.run(client.atoken()) in realm.log()["issued"]
    assert len(realm.requests()) == 1


def test_f27_a_loop_that_stops_and_goes_on(realm: Realm) -> None:
    realm.script([{"issue": {}, "delay": 0.1}])
    client = client_of(realm)
    loop = asyncio.new_event_loop()
    task = loop.create_task(client.atoken())
    loop.run_until_complete(asyncio.sleep(0))
    until(lambda: not client.stats()["in_flight"])
    assert loop.run_until_complete(task) in realm.log()["issued"]
    loop.close()


def test_what_is_awaited_is_not_kept_alive(realm: Realm) -> None:
    client = client_of(realm)
    loop = asyncio.new_event_loop()
    realm.script([{"issue": {}, "delay": 0.2}])
    task = loop.create_task(client.atoken())
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    until(lambda: not client.stats()["in_flight"])
    time.sleep(0.05)
    dead = [weakref.ref(thing) for thing in (client, loop, task)]
    del client, loop, task
    gc.collect()
    assert [reference() for reference in dead] == [None, None, None]


def test_no_thread_without_the_gil_holds_an_event_loop(realm: Realm) -> None:
    """It would leave the last reference to a list behind a lock, which a child after fork could find locked for ever."""
    client = client_of(realm, cache="none")
    for _ in range(20):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.atoken())
        loop.close()
        dead = weakref.ref(loop)
        del loop
        gc.collect()
        assert dead() is None


@pytest.mark.parametrize("watches", [True, False])
def test_a_task_that_nobody_refers_to_gets_its_token(realm: Realm, watches: bool) -> None:
    realm.script([{"issue": {}, "delay": 0.2}])
    client = client_of(realm)
    tokens = []

    async def fetch() -> None:
        tokens.append(await client.atoken())

    async def both() -> None:
        if not watches:
            asyncio.get_running_loop().add_reader = no_readers  # type: ignore[assignment]
        asyncio.create_task(fetch())
        await asyncio.sleep(0)
        gc.collect()
        await client.atoken()
        await asyncio.sleep(0)

    asyncio.run(both())
    assert tokens == realm.log()["issued"]


def test_threads_of_two_event_loops(realm: Realm) -> None:
    realm.script([{"issue": {}, "delay": 0.2}])
    client = client_of(realm)
    tokens: list[str] = []
    threads = [threading.Thread(target=lambda: tokens.append(asyncio.run(client.atoken()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_f26_a_child_awaits_on_an_event_loop_of_its_own(realm: Realm) -> None:
    client = client_of(realm)
    asyncio.run(client.atoken())
    child = os.fork()
    if child == 0:
        try:
            os._exit(asyncio.run(client.atoken(scope="child")) not in realm.log()["issued"])
        except BaseException:
            traceback.print_exc()
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert asyncio.run(client.atoken(scope="parent")) in realm.log()["issued"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_f26_children_go_on_with_the_event_loop_of_their_parent(realm: Realm) -> None:
    """All at once: each hears of its own answers, and takes the news of another's away from nobody."""
    client = client_of(realm, cache="none")
    loop = asyncio.new_event_loop()

    async def fetch() -> None:
        for _ in range(100):
            await asyncio.wait_for(client.atoken(), 5)

    loop.run_until_complete(fetch())
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            try:
                loop.run_until_complete(fetch())
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(2)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    loop.run_until_complete(fetch())
    loop.close()
