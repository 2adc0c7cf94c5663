"""A map over local processes, in bounded memory: the default way to run the steps of an ingest."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Protocol, TypeVar

from data_lake.errors import LakeError

Item = TypeVar("Item")
Result = TypeVar("Result")

_STEPS = ["tasks.growth", "tasks.sample"]
"""What is imported once for all processes: these import all other steps."""


class RunMap(Protocol):
    """How to run a step over its items: yields the results in the items' order.

    `function` is a top-level function of one item; items and results are small picklable records of paths and
    numbers. `items` may be a generator that makes work as it is pulled: one that is read far ahead of the
    results costs disk space, not correctness.
    """

    def __call__(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterable[Result]: ...


class LocalProcesses:
    """Runs maps over a pool of `workers` processes (0: one a core), kept up between maps.

    Each process computes in one thread: they are what is parallel. They end with the process that started them,
    however that ends.
    """

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers or available_cores()

    def __enter__(self) -> "LocalProcesses":
        # Forked from a server that has imported the steps and run none: this process may hold threads and locks, of
        # Polars or of others, that a fork would copy in mid-air.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_STEPS)
        self._pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=_begin_worker)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __call__(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yields results in order, pulling items no further ahead than keeps every process busy.

        Raises:
            LakeError: a process was killed, as happens when memory runs out.
        """
        ahead: deque[Future[Result]] = deque()
        try:
            for item in items:
                ahead.append(self._pool.submit(function, item))
                if len(ahead) > 2 * self.workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BrokenProcessPool:
            raise LakeError(
                "A worker process was killed, most likely because memory ran out",
                left="Finished work is kept",
                mend="Run it again with fewer processes: ROUNDHOUSE_DATA__WORKERS=1 roundhouse ingest FILE",
            ) from None


def available_cores() -> int:
    """The cores this process may use, which in a container can be fewer than the machine has."""
    return len(os.sched_getaffinity(0))


def _begin_worker() -> None:
    os.environ["POLARS_MAX_THREADS"] = "1"
    # Ctrl-C goes to all processes of the terminal; the one that started these ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
