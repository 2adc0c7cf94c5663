"""Giving back the space of what nothing refers to any more."""

from dataclasses import dataclass

from infra.hub.storage import Storage
from infra.hub.trees import unpack


@dataclass(frozen=True)
class Collected:
    """What was removed; `size` is in bytes."""

    commits: int
    blobs: int
    size: int


def collect(storage: Storage) -> Collected:
    """Removes commits that no branch or tag reaches, their trees, and contents that are in no tree.

    Only for a root that no server uses (holding a `Storage` is the proof): a content that was uploaded and not yet
    committed looks like one that nobody wants.
    """
    commits = _remove_unreachable_commits(storage)
    kept: set[str] = set()
    for row in storage.database.all("SELECT files FROM trees"):
        kept.update(file.sha256 for file in unpack(row["files"]).values())
    with storage.database.write() as connection:
        forgotten = [row["sha256"] for row in storage.database.all("SELECT DISTINCT sha256 FROM uploads")]
        connection.executemany(
            "DELETE FROM uploads WHERE sha256 = ?", [(sha256,) for sha256 in forgotten if sha256 not in kept]
        )
    # Rows first: a content without a row is found by the next run, a row without its content would be a loss.
    blobs, size = storage.blobs.remove_except(kept)
    return Collected(commits, blobs, size)


def _remove_unreachable_commits(storage: Storage) -> int:
    with storage.database.write() as connection:
        cursor = connection.execute(
            "DELETE FROM commits WHERE (repo, id) NOT IN ("
            "WITH RECURSIVE reached (repo, id) AS ("
            " SELECT repo, target FROM refs"
            " UNION SELECT commits.repo, commits.parent FROM commits JOIN reached USING (repo, id)"
            " WHERE commits.parent IS NOT NULL)"
            " SELECT repo, id FROM reached)"
        )
        connection.execute("DELETE FROM trees WHERE (repo, id) NOT IN (SELECT repo, tree FROM commits)")
    return cursor.rowcount
