"""Work done aside: an object that lives in a child process of its own, built by name.

For work that is heavy, or done by native code on bytes from outside: it takes no time from this
process's threads, has a limit of time and of memory, and its crash is one failed call. A child
builds its object once and keeps it; it goes when nobody has asked for a while, after many calls
and after any failure, and the next call starts another.
"""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import IO, Any

import structlog

from charafy.kernel.errors import CharafyError, TooManyRequests
from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.aside")

GIB = 1 << 30
_SIZE_BYTES = 8
_PATIENCE_S = 5.0
"""For a child to be gone once it was killed."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkFailed(CharafyError):
    """The child crashed, ran out of time or memory, or its code raised."""

    status, code = 500, "work_failed"


class Aside:
    """Calls methods of an object that lives in another process. Thread-safe; `close` ends it.

    Arguments and results are pickled. What the method raises arrives as `WorkFailed`, without its
    words: a result says what a caller is to be told.
    """

    def __init__(
        self,
        factory: str,
        *arguments: object,
        what: str,
        processes: int = 1,
        waiting: int = 8,
        wait_s: float = 30.0,
        idle_s: float = 60.0,
        calls: int = 200,
        memory_bytes: int = 4 * GIB,
    ) -> None:
        """`factory`: "package.module:callable", called with `arguments` in the child.

        `what` names the work in sentences ("The avatar"). Callers beyond `processes` wait up to
        `wait_s`, those beyond `waiting` more not at all. A child leaves after `calls` calls or
        `idle_s` seconds without one. `memory_bytes` is of address space, where the system has such
        a limit (Linux).
        """
        self._hello = (list(sys.path), factory, arguments, memory_bytes)
        self._what = what
        self._places = threading.BoundedSemaphore(processes)
        self._seats = threading.BoundedSemaphore(processes + waiting)
        self._wait_s = wait_s
        self._idle_s = idle_s
        self._calls = calls
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._leaving: threading.Timer | None = None
        self._closed = False

    def call(self, method: str, *arguments: object, timeout_s: float) -> Any:
        """What the method answers. Raises `WorkFailed`, `TooManyRequests` when too busy.

        `timeout_s` counts from the start of the work, a child's own start included.
        """
        with self._place():
            child = self._take()
            good = False
            try:
                answer = child.ask((method, arguments), timeout_s)
                good = answer.ok and child.answered < self._calls
            finally:
                self._put_back(child, good)
        if answer.ok:
            return answer.value
        log.error("work_failed", method=method, reason=answer.reason, **answer.details)
        raise WorkFailed(f"{self._what} could not be made: {answer.reason}. Please try again.")

    def processes(self) -> list[int]:
        """The process ids of the children there are."""
        with self._lock:
            return sorted(child.pid for child in (*self._idle, *self._busy))

    def close(self) -> None:
        """End every child, also one at work: its call fails. Later calls fail as well."""
        with self._lock:
            self._closed = True
            children = [*self._idle, *self._busy]
            self._idle.clear()
            if self._leaving is not None:
                self._leaving.cancel()
        for child in children:
            child.end()

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._seats.acquire(blocking=False):
            raise self._refusal()
        try:
            if not self._places.acquire(timeout=self._wait_s):
                raise self._refusal()
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._seats.release()

    def _refusal(self) -> TooManyRequests:
        return TooManyRequests(
            f"{self._what} has to wait for others: try again in a few seconds.",
            retry_after_s=10,
            code="at_capacity",
        )

    def _take(self) -> _Child:
        with self._lock:
            if self._closed:
                raise WorkFailed(f"{self._what} could not be made: the server is stopping.")
            while self._idle:
                child = self._idle.pop()
                if child.alive():
                    self._busy.add(child)
                    return child
                child.end()
            child = _Child(self._hello)
            self._busy.add(child)
            return child

    def _put_back(self, child: _Child, good: bool) -> None:
        with self._lock:
            self._busy.discard(child)
            kept = good and not self._closed
            if kept:
                self._idle.append(child)
                self._watch_idleness()
        if not kept:
            child.end()

    def _watch_idleness(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = threading.Timer(self._idle_s, self._dismiss)
        self._leaving.daemon = True
        self._leaving.start()

    def _dismiss(self) -> None:
        with self._lock:
            # Cancelled too late: someone has asked since, and a younger timer watches.
            if threading.current_thread() is not self._leaving:
                return
            children, self._idle = self._idle, []
        for child in children:
            child.end()


class _Answer:
    """How a call ended: with a value, or with a reason that a caller may read."""

    __slots__ = ("details", "ok", "reason", "value")

    def __init__(
        self, ok: bool, value: Any = None, reason: str = "", details: dict[str, Any] | None = None
    ) -> None:
        self.ok = ok
        self.value = value
        self.reason = reason
        self.details = details or {}


class _Child:
    """A process and the two pipes to it."""

    def __init__(self, hello: object) -> None:
        self.answered = 0
        # `spawn`, not `fork`: this process has threads. No shared state, no shared terminal, and
        # none of the server's secrets beside bytes from outside.
        env = {name: value for name, value in os.environ.items() if not name.startswith("CHARAFY_")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "charafy.kernel.aside"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env | dict.fromkeys(_ONE_THREAD, "1"),
            start_new_session=True,
        )
        self._hello: object | None = hello

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: object, timeout_s: float) -> _Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(timeout_s, stop)
        timer.daemon = True
        timer.start()
        try:
            if self._hello is not None:
                _write(self._process.stdin, self._hello)
                self._hello = None
            _write(self._process.stdin, request)
            ok, value = _read(self._process.stdout)
        except (EOFError, OSError):  # the pipes' other end is gone
            return self._gone(late.is_set(), timeout_s)
        except ValueError:  # `end` closed our own end between two writes
            if not self._process.stdin.closed:
                raise
            return self._gone(late.is_set(), timeout_s)
        finally:
            timer.cancel()
        self.answered += 1
        if ok:
            return _Answer(True, value)
        reason = "there was not enough memory" if _is_memory(value) else "its code failed"
        return _Answer(False, reason=reason, details=value)

    def end(self) -> None:
        """Kill it and take back everything it held; safe to call twice."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_S)
        for pipe in (self._process.stdin, self._process.stdout):
            # What was still to be written has nobody to read it.
            with suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()

    def _gone(self, late: bool, timeout_s: float) -> _Answer:
        self.end()
        details = {"exit_code": self._process.returncode}
        if late:
            return _Answer(
                False, reason=f"it took longer than {timeout_s:g} seconds", details=details
            )
        return _Answer(False, reason="the process that made it ended unexpectedly", details=details)


def _is_memory(details: dict[str, Any]) -> bool:
    return "memory" in str(details.get("error_type", "")).lower()


def _write(pipe: IO[bytes], value: object) -> None:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(_SIZE_BYTES, "big"))
    pipe.write(data)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any:
    """Raises `EOFError` when the other end is gone."""
    size = int.from_bytes(_exactly(pipe, _SIZE_BYTES), "big")
    # Both ends are ours: what a child answers to is our own class, told by our own process.
    return pickle.loads(_exactly(pipe, size))  # noqa: S301


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _listen(pipe: IO[bytes], requests: SimpleQueue[Any]) -> None:
    """Take requests in; leave at once, whatever is under way, when the parent is gone."""
    try:
        while True:
            requests.put(_read(pipe))
    except (EOFError, OSError):
        os._exit(0)


def _limit_memory(memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    # macOS knows the limit and refuses to set it.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _build(factory: str, arguments: tuple[object, ...]) -> Any:
    module, _, name = factory.partition(":")
    return getattr(importlib.import_module(module), name)(*arguments)


def _serve() -> None:
    """The child's life."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not reach the answers
    requests: SimpleQueue[Any] = SimpleQueue()
    path, factory, arguments, memory_bytes = _read(sys.stdin.buffer)
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    sys.path[:] = path
    _limit_memory(memory_bytes)
    worker: Any = None
    while True:
        method, values = requests.get()
        try:
            worker = worker or _build(factory, arguments)
            answer: tuple[bool, Any] = True, getattr(worker, method)(*values)
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent gets to know
            answer = False, describe(error)
        _write(answers, answer)


if __name__ == "__main__":
    _serve()
