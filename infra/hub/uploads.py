"""Large contents on their way in: which ones a repository already has, and signed addresses to send the others to.

A repository may only commit a content it was sent itself: knowing the sha256 of a file in somebody's private
repository gives no way to read it.
"""

import hashlib
import hmac
import os
import sqlite3
import time
from pathlib import Path

from infra.hub.blobs import BlobStore, flush_folder
from infra.hub.database import Database
from infra.hub.errors import forbidden, repo_not_found
from infra.hub.repositories import Repository

LIFETIME = 24 * 3600  # seconds an upload address stays valid, longer than any one upload


class Uploads:
    """Signs upload addresses and remembers what arrived. The signing key outlives a restart of the server."""

    def __init__(self, root: Path, database: Database, blobs: BlobStore):
        self._database = database
        self._blobs = blobs
        self._key = _signing_key(root)

    def size(self, repository: Repository, sha256: str) -> int | None:
        """Bytes of a content the repository was sent, None if it was not or if it is no longer on disk."""
        row = self._database.one("SELECT size FROM uploads WHERE repo = ? AND sha256 = ?", repository.id, sha256)
        return row["size"] if row and self._blobs.size(sha256) == row["size"] else None

    def record(self, repo_id: int, sha256: str, size: int) -> None:
        """Remembers that a repository was sent a content; raises 404 if it was deleted meanwhile."""
        try:
            with self._database.write() as connection:
                connection.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?)", (repo_id, sha256, size))
        except sqlite3.IntegrityError:
            raise repo_not_found(anonymous=False) from None

    def query(self, repository: Repository, sha256: str, size: int) -> str:
        """The query string that lets its holder send this one content to this one repository."""
        expires = int(time.time()) + LIFETIME
        return f"size={size}&expires={expires}&signature={self._sign(repository.id, sha256, size, expires)}"

    def check(self, repo_id: int, sha256: str, size: int, expires: int, signature: str) -> None:
        """Raises 403 unless the address was signed by this server and has not expired."""
        expected = self._sign(repo_id, sha256, size, expires)
        if not hmac.compare_digest(signature.encode(), expected.encode()) or expires < time.time():
            raise forbidden("The upload address is not valid or has expired")

    def _sign(self, repo_id: int, sha256: str, size: int, expires: int) -> str:
        return hmac.new(self._key, f"{repo_id}:{sha256}:{size}:{expires}".encode(), hashlib.sha256).hexdigest()


def _signing_key(root: Path) -> bytes:
    path = root / "signing.key"
    if not path.exists():
        temporary = root / "signing.key.new"
        temporary.unlink(missing_ok=True)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(os.urandom(32))
            file.flush()
            os.fsync(fd)
        temporary.rename(path)
        flush_folder(root)
    return path.read_bytes()
