"""The peak memory of this process and all its children."""

import threading

import psutil


class PeakMemory:
    """Samples the resident memory of the process tree while it is entered; shared pages count for each process."""

    def __init__(self, seconds: float = 0.1) -> None:
        self._seconds = seconds
        self._peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def megabytes(self) -> float:
        """The highest sum so far, in 10⁶ bytes."""
        return round(self._peak / 1e6, 1)

    def _watch(self) -> None:
        this = psutil.Process()
        while True:
            self._peak = max(self._peak, sum(map(_resident, [this, *this.children(recursive=True)])))
            if self._stop.wait(self._seconds):
                return


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
