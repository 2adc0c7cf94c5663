"""Listings and downloads."""

import hashlib
from pathlib import Path

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, HfApi, HfFileSystem
from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

LARGE = bytes(range(256)) * 4096
FILES = {
    "README.md": b"# Hello\n",
    "data/a.parquet": LARGE,
    "data/deep/b.txt": b"b",
    "empty.txt": b"",
    "ü/ñ 1.txt": b"u",
}


@pytest.fixture(scope="module")
def repo(alice: HfApi) -> str:
    name = alice.create_repo("alice/files", repo_type="dataset", exist_ok=True).repo_id
    operations = [CommitOperationAdd(path, content) for path, content in FILES.items()]
    alice.create_commit(name, operations, commit_message="all", repo_type="dataset")
    return name


@pytest.fixture(scope="module")
def address(alice: HfApi, repo: str) -> str:
    return f"{alice.endpoint}/datasets/{repo}/resolve/main"


def test_snapshot_is_what_was_sent_and_is_not_fetched_twice(alice: HfApi, repo: str, tmp_path: Path):
    folder = Path(alice.snapshot_download(repo, repo_type="dataset", cache_dir=tmp_path))
    assert {path: (folder / path).read_bytes() for path in FILES} == FILES
    assert alice.snapshot_download(repo, repo_type="dataset", cache_dir=tmp_path) == str(folder)
    only = alice.snapshot_download(repo, repo_type="dataset", local_dir=tmp_path / "x", allow_patterns="*.md")
    assert (Path(only) / "README.md").is_file() and not (Path(only) / "data").exists()


def test_head_tells_commit_etag_and_size(alice: HfApi, repo: str, address: str):
    large = httpx.head(f"{address}/data/a.parquet").headers
    sha256 = hashlib.sha256(LARGE).hexdigest()
    assert large["x-repo-commit"] == alice.dataset_info(repo).sha
    assert large["etag"] == large["x-linked-etag"] == f'"{sha256}"'
    assert large["content-length"] == large["x-linked-size"] == str(len(LARGE))
    small = httpx.head(f"{address}/README.md").headers
    git = hashlib.sha1(b"blob 8\0# Hello\n").hexdigest()
    assert (small["etag"], small["content-length"], "x-linked-size" in small) == (f'"{git}"', "8", False)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("0-9", 0, 10), ("100-199", 100, 200), ("1048570-", 1048570, None), ("-5", -5, None), ("9-99999999", 9, None)],
)
def test_range(address: str, asked: str, start: int, end: int | None):
    answer = httpx.get(f"{address}/data/a.parquet", headers={"Range": f"bytes={asked}"})
    assert (answer.status_code, answer.content) == (206, LARGE[start:end])
    first = start % len(LARGE)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(LARGE)}"


@pytest.mark.parametrize("path", ["data/a.parquet", "empty.txt"])
def test_range_beyond_the_end(address: str, path: str):
    answer = httpx.get(f"{address}/{path}", headers={"Range": f"bytes={len(LARGE)}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(FILES[path])}"


def test_conditional_requests(address: str):
    etag = httpx.head(f"{address}/README.md").headers["etag"]
    assert httpx.get(f"{address}/README.md", headers={"If-None-Match": etag}).status_code == 304
    assert httpx.get(f"{address}/README.md", headers={"If-None-Match": '"other"'}).status_code == 200
    stale = httpx.get(f"{address}/README.md", headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (stale.status_code, stale.content) == (200, b"# Hello\n")


def test_page_in_a_repository_is_not_served_as_a_page(alice: HfApi, model: str):
    alice.upload_file(path_or_fileobj=b"<script>", path_in_repo="x.html", repo_id=model)
    answer = httpx.get(f"{alice.endpoint}/{model}/resolve/main/x.html")
    assert answer.headers["content-type"].startswith("text/plain")


def test_missing_file_names_the_commit(alice: HfApi, repo: str, tmp_path: Path):
    with pytest.raises(EntryNotFoundError) as error:
        alice.hf_hub_download(repo, "nothing", repo_type="dataset", cache_dir=tmp_path)
    assert error.value.response.headers["X-Repo-Commit"] == alice.dataset_info(repo).sha
    with pytest.raises(RevisionNotFoundError):
        alice.hf_hub_download(repo, "README.md", repo_type="dataset", revision="no", cache_dir=tmp_path)


@pytest.mark.parametrize(
    "path", ["%2E%2E/x", "data/%2E%2E/README.md", "..%2F..%2Fhub.sqlite", "%00", "a%5Cb", ".git/x"]
)
def test_download_of_an_impossible_path(address: str, path: str):
    assert httpx.get(f"{address}/{path}").status_code in (400, 404)


def test_tree_of_a_folder(alice: HfApi, repo: str):
    names = [entry.path for entry in alice.list_repo_tree(repo, "data", repo_type="dataset")]
    assert names == ["data/deep", "data/a.parquet"]
    everything = [entry.path for entry in alice.list_repo_tree(repo, recursive=True, repo_type="dataset")]
    assert everything == ["data", "data/deep", "ü", *sorted([".gitattributes", *FILES])]
    for missing in ("nothing", "README.md"):
        with pytest.raises(EntryNotFoundError):
            list(alice.list_repo_tree(repo, missing, repo_type="dataset"))


def test_last_commit_of_every_path(alice: HfApi, model: str):
    first = alice.create_commit(
        model, [CommitOperationAdd("a/x", b"1"), CommitOperationAdd("b/y", b"1")], commit_message="first"
    )
    second = alice.upload_file(path_or_fileobj=b"2", path_in_repo="b/y", repo_id=model, commit_message="second")
    entries = list(alice.list_repo_tree(model, recursive=True, expand=True))
    last = {entry.path: entry.last_commit.oid for entry in entries}
    assert (last["a/x"], last["a"], last["b/y"], last["b"]) == (first.oid, first.oid, second.oid, second.oid)
    (info,) = alice.get_paths_info(model, ["b/y"], expand=True)
    assert (info.last_commit.oid, info.last_commit.title) == (second.oid, "second")


def test_paths_info_leaves_out_what_is_not_there(alice: HfApi, repo: str):
    found = alice.get_paths_info(repo, ["data", "README.md", "nothing", "../x", ""], repo_type="dataset")
    assert [entry.path for entry in found] == ["data", "README.md"]


def test_long_listings_come_in_pages(alice: HfApi, model: str):
    operations = [CommitOperationAdd(f"many/{i:04d}", b"x") for i in range(1100)]
    alice.create_commit(model, operations, commit_message="many")
    entries = [entry.path for entry in alice.list_repo_tree(model, "many")]
    assert entries == [f"many/{i:04d}" for i in range(1100)]
    expanded = [entry.path for entry in alice.list_repo_tree(model, "many", expand=True)]
    assert expanded == entries
    first = httpx.get(f"{alice.endpoint}/api/models/{model}/tree/main/many?limit=10")
    assert len(first.json()) == 10 and first.links["next"]


def test_file_metadata_in_the_info(alice: HfApi, repo: str):
    siblings = {s.rfilename: s for s in alice.dataset_info(repo, files_metadata=True).siblings}
    assert siblings["data/a.parquet"].lfs.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert siblings["README.md"].size == 8 and siblings["README.md"].lfs is None
    assert alice.dataset_info(repo).siblings[0].size is None


def test_file_system(alice: HfApi, repo: str):
    files = HfFileSystem(endpoint=alice.endpoint, token=alice.token, skip_instance_cache=True)
    root = f"datasets/{repo}"
    assert files.read_bytes(f"{root}/data/a.parquet") == LARGE
    assert sorted(files.glob(f"{root}/**/*.txt"))[0] == f"{root}/data/deep/b.txt"
    with files.open(f"{root}/data/a.parquet", block_size=1000) as file:
        file.seek(5000)
        assert file.read(10) == LARGE[5000:5010]
    with files.open(f"{root}/written.txt", "w") as file:
        file.write("through the file system")
    assert files.cat(f"{root}@main/written.txt") == b"through the file system"
    files.rm(f"{root}/written.txt")
    assert not files.exists(f"{root}/written.txt")


def test_damaged_content_is_reported_not_served(alice: HfApi, hub, model: str):
    content = b"\0will be cut" * 50
    alice.upload_file(path_or_fileobj=content, path_in_repo="x.bin", repo_id=model)
    sha256 = hashlib.sha256(content).hexdigest()
    (hub.root / "blobs" / sha256[:2] / sha256[2:]).write_bytes(b"cut")
    answer = httpx.get(f"{alice.endpoint}/{model}/resolve/main/x.bin")
    assert answer.status_code == 500 and "damaged" in answer.json()["error"]
    alice.upload_file(path_or_fileobj=content, path_in_repo="again.bin", repo_id=model)
    assert httpx.get(f"{alice.endpoint}/{model}/resolve/main/x.bin").content == content
