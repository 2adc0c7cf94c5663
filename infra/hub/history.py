"""Commits: writing them, walking back through them, and finding which one last touched a path."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from infra.hub import trees
from infra.hub.database import Database
from infra.hub.errors import HubError, revision_not_found
from infra.hub.refs import BRANCH, Refs
from infra.hub.repositories import Repository
from infra.hub.trees import Tree

CACHED_TREES = 16  # a tree of 10,000 files takes about 5 MB


@dataclass(frozen=True)
class Message:
    """Who says what about a commit."""

    author: str
    title: str
    description: str


@dataclass(frozen=True)
class Commit:
    """One row of `commits`; `date` is in milliseconds since 1970."""

    id: str
    parent: str | None
    tree: str
    author: str
    date: int
    title: str
    description: str


class History:
    """The commits of all repositories. A commit has at most one parent: there are no merges on the Hub's API."""

    def __init__(self, database: Database, refs: Refs):
        self._database = database
        self._refs = refs
        self._load_tree = lru_cache(CACHED_TREES)(self._read_tree)
        self._load_folders = lru_cache(CACHED_TREES)(self._hash_folders)

    def commit(self, repository: Repository, commit_id: str) -> Commit:
        """The commit; raises 404 if the repository has none of that id (40 hexadecimal digits)."""
        row = self._database.one("SELECT * FROM commits WHERE repo = ? AND id = ?", repository.id, commit_id)
        if row is None:
            raise revision_not_found(commit_id)
        return _commit(row)

    def tree(self, repository: Repository, commit: Commit) -> Tree:
        """All files of a commit. Shared between callers: not to be changed."""
        return self._load_tree(repository.id, commit.tree)

    def folders(self, repository: Repository, commit: Commit) -> dict[str, str]:
        """git's tree sha1 of every folder of a commit by its path. Shared as well."""
        return self._load_folders(repository.id, commit.tree)

    def walk(self, repository: Repository, commit_id: str) -> Iterator[Commit]:
        """The commit and its ancestors, newest first."""
        next_id: str | None = commit_id
        while next_id is not None:
            commit = self.commit(repository, next_id)
            yield commit
            next_id = commit.parent

    def last_commits(self, repository: Repository, commit_id: str, paths: Iterable[str]) -> dict[str, Commit]:
        """For every path (file or folder) of a commit, the newest commit that changed it."""
        waiting = set(paths)
        found: dict[str, Commit] = {}
        newer: tuple[Commit, dict[str, str]] | None = None
        for commit in self.walk(repository, commit_id):
            if not waiting:
                break
            tree = self.tree(repository, commit)
            folders = self.folders(repository, commit) if waiting - tree.keys() else {}
            oids = {path: tree[path].oid if path in tree else folders.get(path, "") for path in waiting}
            if newer is not None:
                changed = {path for path in waiting if newer[1][path] != oids[path]}
                found.update(dict.fromkeys(changed, newer[0]))
                waiting -= changed
            newer = (commit, oids)
        if newer is not None:
            found.update(dict.fromkeys(waiting, newer[0]))
        return found

    def append(
        self,
        repository: Repository,
        branch: str,
        parent: str | None,
        message: Message,
        change: Callable[[Commit, Tree], Tree],
    ) -> Commit:
        """Puts a commit on a branch: `change` gets the branch's newest commit and its tree and returns the next tree.

        With `parent` (7 or more digits), only if the branch still stands there: raises 412 otherwise.
        Raises 404 if there is no such branch, and whatever `change` raises; then nothing has happened.
        """
        with self._database.write() as connection:
            head_id = self._refs.target(repository, BRANCH, branch)
            if head_id is None:
                raise revision_not_found(branch)
            if parent is not None and not (len(parent) >= 7 and head_id.startswith(parent)):
                raise HubError(412, "A commit has happened since. Please refresh and try again.")
            head = self.commit(repository, head_id)
            tree = change(head, self.tree(repository, head))
            return self.insert(connection, repository, branch, head_id, message, tree)

    def insert(
        self,
        connection: sqlite3.Connection,
        repository: Repository,
        branch: str,
        parent: str | None,
        message: Message,
        tree: Tree,
    ) -> Commit:
        """Writes a commit and its tree and moves the branch, all within the caller's transaction."""
        date = int(time.time() * 1000)
        tree_id = trees.folder_oids(tree)[""]
        commit_id = _commit_oid(tree_id, parent, message, date)
        connection.execute("INSERT OR IGNORE INTO trees VALUES (?, ?, ?)", (repository.id, tree_id, trees.pack(tree)))
        values = (commit_id, parent, tree_id, message.author, date, message.title, message.description)
        connection.execute("INSERT OR IGNORE INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (repository.id, *values))
        self._refs.move(connection, repository, branch, commit_id)
        return Commit(*values)

    def squash(self, repository: Repository, branch: str, message: Message) -> Commit:
        """Replaces a branch's history by one commit with the same files; raises 404 if there is no such branch."""
        with self._database.write() as connection:
            head_id = self._refs.target(repository, BRANCH, branch)
            if head_id is None:
                raise revision_not_found(branch)
            tree = self.tree(repository, self.commit(repository, head_id))
            return self.insert(connection, repository, branch, None, message, tree)

    def _read_tree(self, repo: int, tree_id: str) -> Tree:
        row = self._database.one("SELECT files FROM trees WHERE repo = ? AND id = ?", repo, tree_id)
        if row is None:
            raise revision_not_found(tree_id)
        return trees.unpack(row["files"])

    def _hash_folders(self, repo: int, tree_id: str) -> dict[str, str]:
        return trees.folder_oids(self._load_tree(repo, tree_id))


def iso_date(milliseconds: int) -> str:
    """A date as the Hub writes it: `2025-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _commit_oid(tree: str, parent: str | None, message: Message, date: int) -> str:
    """git's sha1 of the commit, with the milliseconds in the signature so that equal commits of one second differ."""
    signature = f"{message.author} <{message.author}@{date % 1000:03d}> {date // 1000} +0000"
    lines = [f"tree {tree}", *([f"parent {parent}"] if parent else []), f"author {signature}", f"committer {signature}"]
    text = "\n".join(lines) + f"\n\n{message.title}\n\n{message.description}"
    return trees.git_oid("commit", text.encode())


def _commit(row: sqlite3.Row) -> Commit:
    return Commit(*(row[field] for field in Commit.__dataclass_fields__))
