"""A finished round to the Hub: its training state first, then everything else in one commit."""

from pathlib import Path

from huggingface_hub import CommitOperationAdd

from data_lake.errors import LostRaceError
from data_lake.rounds import ROUND_FILE, ROUNDS_BRANCH, RoundManifest, StateReference, round_name
from tasks.cards import adapter_card
from tasks.hub import MODEL, Hub, told
from tasks.ledger import Ledger, read_ledger, tag_round


def publish_state(hub: Hub, folder: Path, sha256: str, number: int) -> StateReference:
    """Commits a round's training state; a round that is on the Hub thus always has its state.

    Raises:
        HubError: the Hub refused or did not answer.
    """
    hub.create(hub.state_repo, MODEL)
    operations = [CommitOperationAdd(file.name, file) for file in sorted(folder.iterdir())]
    with told(f"publish the state of round {number}"):
        commit = hub.api.create_commit(
            hub.state_repo, operations, repo_type=MODEL, commit_message=f"State after {round_name(number)}"
        )
    return StateReference(repo=hub.state_repo, revision=str(commit.oid), sha256=sha256)


def publish_round(hub: Hub, ledger: Ledger, manifest: RoundManifest, adapter: Path) -> str:
    """Commits a round to branch `rounds` on top of its parent, tags it, and returns the commit.

    Raises:
        LostRaceError: another worker has published this round; nothing of this one is on the Hub.
        HubError: the Hub refused or did not answer.
    """
    hub.create(hub.adapter_repo, MODEL)
    parent = ledger.tip or _begin_branch(hub)
    history = [entry.manifest for entry in ledger.rounds] + [manifest]
    operations = [CommitOperationAdd(file.name, file) for file in sorted(adapter.iterdir())]
    operations += [
        CommitOperationAdd(ROUND_FILE, manifest.to_json().encode()),
        CommitOperationAdd("README.md", adapter_card(hub.adapter_repo, history, None).encode()),
    ]
    with told(f"publish round {manifest.round}"):
        commit = hub.api.create_commit(
            hub.adapter_repo,
            operations,
            repo_type=MODEL,
            revision=ROUNDS_BRANCH,
            commit_message=f"{round_name(manifest.round)}: {manifest.shard.name}",
            parent_commit=parent,
        )
    tag_round(hub, manifest.round, str(commit.oid))
    return str(commit.oid)


def _begin_branch(hub: Hub) -> str:
    """Branch `rounds` where it does not exist yet, and the commit it stands at."""
    with told(f"begin branch {ROUNDS_BRANCH} of {hub.adapter_repo}"):
        hub.api.create_branch(hub.adapter_repo, branch=ROUNDS_BRANCH, repo_type=MODEL, exist_ok=True)
    begun = read_ledger(hub)
    if begun.rounds:
        # Somebody published the first round since this worker looked: its commit is no parent of ours.
        raise LostRaceError(
            "Could not publish round 1: another worker published first",
            left="Its work stands, this worker's was discarded",
            mend="Run roundhouse status to see it; the next roundhouse train continues from there",
        )
    return str(begun.tip)
