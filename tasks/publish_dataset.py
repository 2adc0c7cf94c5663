"""The lake's dataset to the Hub, in one commit."""

from huggingface_hub import CommitOperationAdd
from pydantic import BaseModel

from data_lake.dataset import DatasetManifest, read_manifest, shard_path
from data_lake.errors import LakeError
from data_lake.files import sha256_of
from data_lake.layout import Lake
from tasks.cards import dataset_card
from tasks.hub import DATASET, Hub, told


class PublishReport(BaseModel):
    """What a publication did."""

    repo: str
    revision: str
    """The commit the dataset stands at afterwards."""
    uploaded_files: int
    uploaded_bytes: int
    unchanged_files: int
    """Shards that the Hub held already."""


def publish_dataset(lake: Lake, hub: Hub) -> PublishReport:
    """Publishes shards, validation, manifest and card as one commit; unchanged shards are not sent again.

    Raises:
        LakeError: no complete dataset, or a file that is not what the manifest says.
        HubError: the Hub refused or did not answer; nothing half is to be seen there.
    """
    manifest = read_manifest(lake)
    _check_files(lake, manifest)
    hub.create(hub.dataset_repo, DATASET)
    head = hub.head(hub.dataset_repo, DATASET, "main")
    published = hub.hashes(hub.dataset_repo, DATASET, "main")
    changed = [shard for shard in manifest.shards if published.get(f"data/{shard.name}.parquet") != shard.sha256]
    operations = [CommitOperationAdd(f"data/{shard.name}.parquet", shard_path(lake, shard)) for shard in changed]
    small = {
        "manifest.json": lake.manifest.read_bytes(),
        "README.md": dataset_card(manifest, hub.dataset_repo, hub.name).encode(),
    }
    if not changed and all(_published_text(hub, head, path, text, published) for path, text in small.items()):
        return PublishReport(
            repo=hub.dataset_repo,
            revision=str(head),
            uploaded_files=0,
            uploaded_bytes=0,
            unchanged_files=len(manifest.shards),
        )
    operations += [CommitOperationAdd(path, text) for path, text in small.items()]
    with told(f"publish {hub.dataset_repo}"):
        commit = hub.api.create_commit(
            hub.dataset_repo,
            operations,
            repo_type=DATASET,
            commit_message=f"{len(manifest.train)} shards, {sum(shard.rows for shard in manifest.shards)} rows",
            parent_commit=head,
        )
    return PublishReport(
        repo=hub.dataset_repo,
        revision=str(commit.oid),
        uploaded_files=len(operations),
        uploaded_bytes=sum(shard.bytes for shard in changed) + sum(map(len, small.values())),
        unchanged_files=len(manifest.shards) - len(changed),
    )


def _check_files(lake: Lake, manifest: DatasetManifest) -> None:
    for shard in manifest.shards:
        path = shard_path(lake, shard)
        if not path.is_file() or sha256_of(path) != shard.sha256:
            raise LakeError(
                f"{path} is not the file that the manifest names",
                left="Nothing was published",
                mend="Restore the file, or ingest the catalogue into a new lake",
            )


def _published_text(hub: Hub, head: str | None, path: str, text: bytes, published: dict[str, str]) -> bool:
    if head is None or path not in published:
        return False
    return hub.file(hub.dataset_repo, DATASET, head, path).read_bytes() == text
