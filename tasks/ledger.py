"""The ledger: what was trained and what is promoted, read from the Hub's history alone."""

import re
from dataclasses import dataclass

from pydantic import ValidationError

from data_lake.dataset import DatasetManifest, ShardRecord
from data_lake.errors import HubError, NothingToDoError, SettingsError
from data_lake.rounds import (
    PROMOTION_FILE,
    ROUND_FILE,
    ROUNDS_BRANCH,
    Promotion,
    RoundManifest,
    round_name,
)
from tasks.hub import DATASET, MODEL, Hub, told

_ROUND_TITLE = re.compile(r"round-(\d{4,})\b")


@dataclass(frozen=True)
class LedgerRound:
    """A round as the Hub holds it."""

    manifest: RoundManifest
    revision: str
    """Its commit in the adapter repository."""


@dataclass(frozen=True)
class Ledger:
    """The adapter repository's history."""

    rounds: list[LedgerRound]
    """Oldest first; number k is at position k - 1."""
    tip: str | None
    """The commit branch `rounds` stands at: the parent of the next round's commit."""
    promotion: Promotion | None

    @property
    def newest(self) -> LedgerRound | None:
        return self.rounds[-1] if self.rounds else None

    def round(self, number: int) -> LedgerRound:
        """Round `number`.

        Raises:
            HubError: there is no such round.
        """
        if not 1 <= number <= len(self.rounds):
            there = f"there are rounds 1 to {len(self.rounds)}" if self.rounds else "no round was trained yet"
            raise HubError(
                f"There is no round {number}: {there}",
                left="Nothing was changed",
                mend="Run roundhouse status to see the rounds",
            )
        return self.rounds[number - 1]

    @property
    def promoted(self) -> LedgerRound | None:
        return self.rounds[self.promotion.round - 1] if self.promotion else None


def read_ledger(hub: Hub) -> Ledger:
    """Reads the history of branch `rounds` and what is promoted. Commits never change: each is fetched once.

    Raises:
        HubError: the Hub is unreachable, or a round's manifest cannot be read.
    """
    tip = hub.head(hub.adapter_repo, MODEL, ROUNDS_BRANCH)
    if tip is None:
        return Ledger([], None, None)
    with told(f"read the history of {hub.adapter_repo}"):
        commits = hub.api.list_repo_commits(hub.adapter_repo, repo_type=MODEL, revision=ROUNDS_BRANCH)
    rounds = [_read_round(hub, commit.commit_id) for commit in reversed(commits) if _ROUND_TITLE.match(commit.title)]
    for position, found in enumerate(rounds, start=1):
        if found.manifest.round != position:
            raise _damaged(found.revision, f"it is number {found.manifest.round} where {position} was due")
    return Ledger(rounds, tip, _read_promotion(hub))


def read_dataset(hub: Hub) -> tuple[DatasetManifest, str]:
    """The published dataset's manifest and the commit it stands at.

    Raises:
        HubError: no dataset was published, or its manifest cannot be read.
    """
    found = find_dataset(hub)
    if found is None:
        raise HubError(
            f"There is no dataset {hub.dataset_repo} on {hub.endpoint}",
            left="Nothing was changed",
            mend="Run roundhouse publish",
        )
    return found


def find_dataset(hub: Hub) -> tuple[DatasetManifest, str] | None:
    """As `read_dataset`, or None where nothing was published."""
    revision = hub.head(hub.dataset_repo, DATASET, "main")
    if revision is None or "manifest.json" not in hub.hashes(hub.dataset_repo, DATASET, revision):
        return None
    path = hub.file(hub.dataset_repo, DATASET, revision, "manifest.json")
    try:
        return DatasetManifest.model_validate_json(path.read_text(encoding="utf-8")), revision
    except ValidationError as error:
        raise HubError(
            f"The manifest of {hub.dataset_repo} cannot be read ({error.error_count()} fields do not fit)",
            left="Nothing was changed",
            mend="Run roundhouse publish from the lake that made the dataset",
        ) from error


def shards_left(dataset: DatasetManifest, ledger: Ledger) -> list[ShardRecord]:
    """The shards that no round has been trained on, in order."""
    done = {entry.manifest.shard.sha256 for entry in ledger.rounds}
    return [shard for shard in dataset.train if shard.sha256 not in done]


def next_shard(dataset: DatasetManifest, ledger: Ledger) -> ShardRecord:
    """The shard that the next round trains on.

    Raises:
        NothingToDoError: every shard has its round.
    """
    left = shards_left(dataset, ledger)
    if not left:
        raise NothingToDoError(
            f"All {len(dataset.train)} shards have their round",
            left=f"{len(ledger.rounds)} rounds are on the Hub",
            mend="Bring new rows with roundhouse ingest FILE and roundhouse publish",
        )
    return left[0]


def check_rounds(hub: Hub, rounds: int) -> None:
    """Checks that as many rounds can be trained, before anything is started.

    Raises:
        SettingsError: less than one round.
        HubError: no dataset was published.
        NothingToDoError: fewer shards are left.
    """
    if rounds < 1:
        raise SettingsError(f"{rounds} rounds cannot be trained", left="Nothing was trained", mend="Ask for 1 or more")
    dataset, _ = read_dataset(hub)
    ledger = read_ledger(hub)
    next_shard(dataset, ledger)
    left = len(shards_left(dataset, ledger))
    if rounds > left:
        raise NothingToDoError(
            f"{rounds} rounds were asked for and {left} shards are left",
            left="Nothing was trained",
            mend=f"Run roundhouse train --rounds {left}, or bring new rows with roundhouse ingest FILE",
        )


def mend_tags(hub: Hub, ledger: Ledger) -> list[str]:
    """Sets the tags that a crash between a round's commit and its tag left out; returns their names."""
    if not ledger.rounds:
        return []
    with told(f"read the tags of {hub.adapter_repo}"):
        tags = {tag.name for tag in hub.api.list_repo_refs(hub.adapter_repo, repo_type=MODEL).tags}
    missing = [entry for entry in ledger.rounds if round_name(entry.manifest.round) not in tags]
    for entry in missing:
        tag_round(hub, entry.manifest.round, entry.revision)
    return [round_name(entry.manifest.round) for entry in missing]


def tag_round(hub: Hub, number: int, revision: str) -> None:
    """Tags a round's commit; a tag that is already there stays."""
    with told(f"tag {round_name(number)}"):
        hub.api.create_tag(hub.adapter_repo, tag=round_name(number), revision=revision, repo_type=MODEL, exist_ok=True)


def _read_round(hub: Hub, revision: str) -> LedgerRound:
    path = hub.file(hub.adapter_repo, MODEL, revision, ROUND_FILE)
    try:
        return LedgerRound(RoundManifest.model_validate_json(path.read_text(encoding="utf-8")), revision)
    except ValidationError as error:
        raise _damaged(revision, f"{error.error_count()} fields do not fit") from error


def _read_promotion(hub: Hub) -> Promotion | None:
    revision = hub.head(hub.adapter_repo, MODEL, "main")
    if revision is None or PROMOTION_FILE not in hub.hashes(hub.adapter_repo, MODEL, revision):
        return None
    path = hub.file(hub.adapter_repo, MODEL, revision, PROMOTION_FILE)
    return Promotion.model_validate_json(path.read_text(encoding="utf-8"))


def _damaged(revision: str, why: str) -> HubError:
    return HubError(
        f"The {ROUND_FILE} of commit {revision[:8]} is damaged: {why}",
        left="Nothing was changed",
        mend="Restore branch rounds of the adapter repository from a copy",
    )
