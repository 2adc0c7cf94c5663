"""One root folder: its lock, its database, its contents, and the few changes that touch more than one of them."""

import fcntl
import os
from pathlib import Path
from typing import IO

from infra.hub.blobs import BlobStore
from infra.hub.database import Database
from infra.hub.history import Commit, History, Message
from infra.hub.operations import Sources, apply, read_operations
from infra.hub.refs import MAIN, Refs
from infra.hub.repositories import Repositories, Repository
from infra.hub.storage_class import GIT_ATTRIBUTES
from infra.hub.trees import Tree, regular_file
from infra.hub.uploads import Uploads


class RootInUseError(Exception):
    """Another process serves or collects this root."""


class Storage:
    """All that is kept under a root, held exclusively by one process for as long as it lives."""

    def __init__(self, root: Path):
        self.root = root
        self._lock = _lock_root(root)
        self.blobs = BlobStore(root)
        self.database = Database(root)
        self.repositories = Repositories(self.database)
        self.refs = Refs(self.database)
        self.history = History(self.database, self.refs)
        self.uploads = Uploads(root, self.database, self.blobs)

    def close(self) -> None:
        """Gives the root up to the next process."""
        os.close(self._lock)

    def create_repository(self, kind: str, user: str, name: str, private: bool) -> Repository:
        """A repository with the commit the Hub starts every repository with; raises 400 or 409."""
        attributes = regular_file(GIT_ATTRIBUTES, self.blobs.put(GIT_ATTRIBUTES))
        message = Message(user, "initial commit", "")
        with self.database.write() as connection:
            repository = self.repositories.insert(connection, kind, user, name, private)
            self.history.insert(connection, repository, MAIN, None, message, {".gitattributes": attributes})
        return repository

    def commit(self, repository: Repository, branch: str, author: str, body: IO[bytes]) -> Commit:
        """Carries out the body of a commit request; raises as `read_operations`, `apply` and `History.append` do."""
        header, operations = read_operations(body, self.blobs)
        message = Message(author, header.title, header.description)
        sources = Sources(
            uploaded_size=lambda sha256: self.uploads.size(repository, sha256),
            tree_at=lambda revision: self.tree_at(repository, revision)[1],
        )

        def change(head: Commit, files: Tree) -> Tree:
            return apply(operations, head, files, sources)

        return self.history.append(repository, branch, header.parent, message, change)

    def tree_at(self, repository: Repository, revision: str) -> tuple[Commit, Tree]:
        """The commit a revision stands for, and its files; raises 404 RevisionNotFound."""
        commit = self.history.commit(repository, self.refs.resolve(repository, revision))
        return commit, self.history.tree(repository, commit)


def _lock_root(root: Path) -> int:
    root.mkdir(parents=True, exist_ok=True)
    lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise RootInUseError(f"another Hub process uses {root}") from None
    return lock
