"""One ingest at a time on a lake, and one plain error when its disk is full."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from data_lake.errors import LakeError
from data_lake.files import write_text
from data_lake.layout import Lake

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def hold(lake: Lake) -> Iterator[None]:
    """Holds the lake for an ingest; the system lets go of it when the process ends, however it ends.

    Raises:
        LakeError: another process holds it; it says which, and since when.
    """
    lake.locks.mkdir(parents=True, exist_ok=True)
    holder = lake.locks / "ingest.json"
    lock = FileLock(lake.locks / "ingest.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise LakeError(
            f"The lake {lake.root} is held by another ingest{_told(holder)}",
            left="This one did nothing",
            mend="Wait until it ends, then run the same command: roundhouse ingest FILE",
        ) from None
    try:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        write_text(holder, json.dumps({"pid": os.getpid(), "since": since}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _told(holder: Path) -> str:
    try:
        held = json.loads(holder.read_text())
        return f", process {held['pid']}, since {held['since']}"
    except (OSError, ValueError):
        return ""


@contextmanager
def tell_disk_full(lake: Lake) -> Iterator[None]:
    """Turns the system's error for a full disk into the lake's.

    Raises:
        LakeError: there is no room left to write.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise LakeError(
            f"There is no room left to write under {lake.root} ({error.strerror or error})",
            left="The dataset is as it was; what was cleaned is kept as work in progress",
            mend="Make room, then run the same command: roundhouse ingest FILE",
        ) from error
