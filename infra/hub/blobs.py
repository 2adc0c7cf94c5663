"""Contents on disk, each a file named by its sha256, complete or absent.

Layout: `ROOT/blobs/ab/cdef…`. A content is written to `ROOT/tmp`, flushed, renamed into place, and the folder
flushed, so that a name is only ever seen with its whole content behind it, whatever kills the process.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from infra.hub.errors import bad_request


class BlobWriter:
    """One content on its way in. Use as a context manager: what was not finished is removed."""

    def __init__(self, store: "BlobStore"):
        self._store = store
        self._hash = hashlib.sha256()
        self._fd, self._path = tempfile.mkstemp(dir=store.incoming)
        self.size = 0

    def __enter__(self) -> "BlobWriter":
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            os.unlink(self._path)

    def write(self, data: bytes | bytearray) -> None:
        """Appends data; hashing and writing both release the interpreter lock for large pieces."""
        self._hash.update(data)
        self.size += len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def finish(self, expected_sha256: str | None = None) -> str:
        """Makes the content permanent and returns its sha256; raises 400 if another one was expected."""
        sha256 = self._hash.hexdigest()
        if expected_sha256 is not None and sha256 != expected_sha256:
            raise bad_request(f"Content does not match its oid: expected {expected_sha256}, got {sha256}")
        os.fsync(self._fd)
        os.close(self._fd)
        self._fd = -1
        target = self._store.path(sha256)
        # Renamed over a content that is there already: same bytes, and it mends one damaged on disk.
        os.replace(self._path, target)
        flush_folder(target.parent)
        return sha256


class BlobStore:
    """The contents of all repositories under one root; which repository may use which is the database's matter."""

    def __init__(self, root: Path):
        self.folder = root / "blobs"
        self.incoming = root / "tmp"
        if not (self.folder / "ff").is_dir():
            for number in range(256):
                (self.folder / f"{number:02x}").mkdir(parents=True, exist_ok=True)
            flush_folder(self.folder)
        # Left by a process that was killed; nothing refers to them.
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir()
        flush_folder(root)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:]

    def size(self, sha256: str) -> int | None:
        """Bytes of a content, None if it is not here."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def writer(self) -> BlobWriter:
        return BlobWriter(self)

    def put(self, content: bytes) -> str:
        """Stores a small content and returns its sha256."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path(sha256)
        if self.size(sha256) == len(content) and target.read_bytes() == content:
            # Replacing a file by its like is slow; but whoever wrote it may not have flushed its name yet.
            flush_folder(target.parent)
            return sha256
        with self.writer() as writer:
            writer.write(content)
            return writer.finish()

    def remove_except(self, kept: set[str]) -> tuple[int, int]:
        """Deletes every content that is not in `kept`; returns how many, and their bytes."""
        removed = size = 0
        for path in self.folder.glob("??/*"):
            if path.parent.name + path.name not in kept:
                removed += 1
                size += path.stat().st_size
                path.unlink()
        return removed, size


def flush_folder(folder: Path) -> None:
    """Makes renames inside a folder survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
