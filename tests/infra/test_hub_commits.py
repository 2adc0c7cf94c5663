"""Commits through the real client: every operation, atomicity, what is refused."""

import base64
import hashlib
import http.client
import json
import socket
from pathlib import Path

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

WEIGHTS = b"\0" + b"weights" * 1000
BAD_PATHS = [
    *(
        "..",
        "../x",
        "a/../x",
        "/etc/passwd",
        ".git/config",
        "a/.GIT/x",
        "a//b",
        "a/",
        "",
        "./a",
        "a\\b",
        "a\0b",
        "a\nb",
    ),
    *("\ud800", "x" * 256, "/".join(["y" * 200] * 6)),
]


def add(path: str, content: bytes) -> CommitOperationAdd:
    return CommitOperationAdd(path, content)


def read(api: HfApi, repo: str, path: str, folder: Path, **where: str) -> bytes:
    return Path(api.hf_hub_download(repo, path, cache_dir=folder, **where)).read_bytes()


def post_commit(api: HfApi, repo: str, *lines: object, header: bool = True, branch: str = "main") -> httpx.Response:
    """Sends a commit's lines as they are, past the checks of the client."""
    first = [{"key": "header", "value": {"summary": "raw"}}] if header else []
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in [*first, *lines])
    return httpx.post(
        f"{api.endpoint}/api/models/{repo}/commit/{branch}",
        content=body.encode(),
        headers={"Authorization": f"Bearer {api.token}"},
    )


def file_line(path: str, content: bytes = b"x") -> dict:
    return {"key": "file", "value": {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}}


def test_one_commit_adds_copies_and_deletes(alice: HfApi, model: str, tmp_path: Path):
    first = [add("a.txt", b"a"), add("w/x.safetensors", WEIGHTS), add("old/1.txt", b"1"), add("old/2.txt", b"2")]
    alice.create_commit(model, first, commit_message="one")
    alice.create_commit(
        model,
        [
            add("a.txt", b"A"),
            CommitOperationCopy("w/x.safetensors", "w/y.safetensors"),
            CommitOperationCopy("old/1.txt", "new.txt"),
            CommitOperationDelete("old/"),
        ],
        commit_message="two",
        commit_description="and why",
    )
    files = [".gitattributes", "a.txt", "new.txt", "w/x.safetensors", "w/y.safetensors"]
    assert sorted(alice.list_repo_files(model)) == files
    assert read(alice, model, "a.txt", tmp_path) == b"A"
    assert read(alice, model, "w/y.safetensors", tmp_path) == WEIGHTS
    newest = alice.list_repo_commits(model)[0]
    assert (newest.title, newest.message, newest.authors) == ("two", "and why", ["alice"])


def test_older_revisions_stay_readable(alice: HfApi, model: str, tmp_path: Path):
    commits = [alice.upload_file(path_or_fileobj=b"%d" % i, path_in_repo="n", repo_id=model).oid for i in range(3)]
    for i, commit in enumerate(commits):
        assert read(alice, model, "n", tmp_path, revision=commit) == b"%d" % i
        assert read(alice, model, "n", tmp_path, revision=commit[:8]) == b"%d" % i


def test_ids_are_git_s(alice: HfApi, model: str):
    alice.create_commit(model, [add("a.txt", b"hello\n"), add("b.bin", WEIGHTS)], commit_message="c")
    info = {file.path: file for file in alice.list_repo_tree(model)}
    assert info["a.txt"].blob_id == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert info["b.bin"].lfs.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    pointer = (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{info['b.bin'].lfs.sha256}\nsize {len(WEIGHTS)}\n"
    )
    blob = f"blob {len(pointer)}\0{pointer}".encode()
    assert info["b.bin"].blob_id == hashlib.sha1(blob).hexdigest()


@pytest.mark.parametrize(
    ("path", "content", "lfs"),
    [
        ("a.json", b"{}", False),
        ("data.parquet", b"text", True),
        ("notes.txt", b"with \0 inside", True),
        ("big.txt", b"x" * 10_000_000, True),
        ("almost.txt", b"x" * 9_999_999, False),
        ("empty.bin", b"", False),
    ],
)
def test_large_and_binary_files_go_to_lfs(alice: HfApi, model: str, path: str, content: bytes, lfs: bool):
    alice.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=model)
    (info,) = alice.get_paths_info(model, path)
    assert (info.size, info.lfs is not None) == (len(content), lfs)


def test_stale_parent_is_refused_and_leaves_nothing(alice: HfApi, model: str):
    parent = alice.model_info(model).sha
    alice.create_commit(model, [add("a", b"1")], commit_message="first", parent_commit=parent)
    with pytest.raises(HfHubHTTPError) as error:
        alice.create_commit(model, [add("b", b"2")], commit_message="second", parent_commit=parent)
    assert error.value.response.status_code == 412
    assert not alice.file_exists(model, "b")


def test_unchanged_folder_makes_no_commit(alice: HfApi, model: str, tmp_path: Path):
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "w.bin").write_bytes(WEIGHTS)
    first = alice.upload_folder(repo_id=model, folder_path=tmp_path)
    second = alice.upload_folder(repo_id=model, folder_path=tmp_path)
    assert first.oid == second.oid and len(alice.list_repo_commits(model)) == 2


def test_upload_folder_deletes_what_its_pattern_names(alice: HfApi, model: str, tmp_path: Path):
    alice.create_commit(model, [add("x/old.txt", b"o"), add("keep.txt", b"k")], commit_message="c")
    (tmp_path / "new.txt").write_text("n")
    alice.upload_folder(repo_id=model, folder_path=tmp_path, path_in_repo="x", delete_patterns="*.txt")
    assert sorted(alice.list_repo_files(model)) == [".gitattributes", "keep.txt", "x/new.txt"]


def test_upload_large_folder(alice: HfApi, dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # How long its idle workers sleep, 10 s by default.
    monkeypatch.setattr("huggingface_hub._upload_large_folder.WAITING_TIME_IF_NO_TASKS", 0.2)
    for i in range(30):
        (tmp_path / f"{i:02d}.parquet").write_bytes(b"\0" * 1000 + b"%d" % i)
    alice.upload_large_folder(dataset, tmp_path, repo_type="dataset", num_workers=2, print_report=False)
    assert len(alice.list_repo_files(dataset, repo_type="dataset")) == 31


def test_delete_file_and_folder_helpers(alice: HfApi, model: str):
    alice.create_commit(model, [add("f/a", b"a"), add("f/b", b"b"), add("g", b"g")], commit_message="c")
    alice.delete_folder("f", model)
    alice.delete_file("g", model)
    assert alice.list_repo_files(model) == [".gitattributes"]
    with pytest.raises(EntryNotFoundError):
        alice.delete_file("g", model)


def test_commit_to_what_is_no_branch(alice: HfApi, model: str):
    with pytest.raises(RevisionNotFoundError):
        alice.create_commit(model, [add("a", b"a")], commit_message="c", revision="nowhere")
    sha = alice.model_info(model).sha
    with pytest.raises(RevisionNotFoundError):
        alice.create_commit(model, [add("a", b"a")], commit_message="c", revision=sha)
    with pytest.raises(HfHubHTTPError):
        alice.create_commit(model, [add("a", b"a")], commit_message="c", create_pr=True)


@pytest.mark.parametrize("path", BAD_PATHS, ids=range(len(BAD_PATHS)))
def test_path_that_leaves_the_repository_is_refused(alice: HfApi, hub, model: str, path: str):
    assert post_commit(alice, model, file_line(path)).status_code == 400
    lfs = {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": "0" * 64, "size": 1}}
    assert post_commit(alice, model, lfs).status_code == 400
    copy = {"key": "copyFile", "value": {"path": path, "srcPath": ".gitattributes"}}
    assert post_commit(alice, model, copy).status_code == 400
    assert sorted(path.name for path in hub.folder.iterdir()) == ["ready.json", "root", "server.log"]


@pytest.mark.parametrize(
    "lines",
    [
        ["not json"],
        ["[]"],
        ['{"key": "file"}'],
        ["[" * 100_000],
        [{"key": "unknown", "value": {"path": "a"}}],
        [{"key": "file", "value": {"path": "a", "content": "!!!", "encoding": "base64"}}],
        [{"key": "file", "value": {"path": "a", "content": 5}}],
        [{"key": "lfsFile", "value": {"path": "a", "algo": "md5", "oid": "0" * 64, "size": 1}}],
        [{"key": "lfsFile", "value": {"path": "a", "algo": "sha256", "oid": "../../x", "size": 1}}],
        [{"key": "lfsFile", "value": {"path": "a", "algo": "sha256", "oid": "0" * 64, "size": 1}}],
        [{"key": "header", "value": {"summary": "again"}}],
        [file_line("a"), file_line("a/b")],
        [file_line("a/b"), file_line("a")],
        [file_line("a"), '{"key": "file", "value": {"path": "b", "cont'],
    ],
    ids=range(14),
)
def test_malformed_commit_is_refused_whole(alice: HfApi, model: str, lines: list):
    assert post_commit(alice, model, *lines).status_code == 400
    assert alice.list_repo_files(model) == [".gitattributes"]


def test_header_must_come_first_and_say_something(alice: HfApi, model: str):
    assert post_commit(alice, model, header=False).status_code == 400
    assert post_commit(alice, model, file_line("a"), header=False).status_code == 400
    assert post_commit(alice, model, {"key": "header", "value": {"summary": ""}}, header=False).status_code == 400


def test_copy_within_the_repository_from_another_revision(alice: HfApi, model: str, tmp_path: Path):
    old = alice.upload_file(path_or_fileobj=b"old", path_in_repo="a", repo_id=model).oid
    alice.upload_file(path_or_fileobj=b"new", path_in_repo="a", repo_id=model)
    copy = {"key": "copyFile", "value": {"path": "b", "srcPath": "a", "srcRevision": old}}
    assert post_commit(alice, model, copy).status_code == 200
    assert read(alice, model, "b", tmp_path) == b"old"


def test_line_and_body_have_limits(alice: HfApi, model: str):
    assert post_commit(alice, model, file_line("a", b"x" * 13_000_000)).status_code == 413
    connection = http.client.HTTPConnection(alice.endpoint.removeprefix("http://"))
    connection.putrequest("POST", f"/api/models/{model}/commit/main")
    connection.putheader("Authorization", f"Bearer {alice.token}")
    connection.putheader("Content-Length", str(2**30))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_cut_off_commit_leaves_nothing(alice: HfApi, model: str):
    host, port = alice.endpoint.removeprefix("http://").split(":")
    body = (json.dumps({"key": "header", "value": {"summary": "cut"}}) + "\n" + json.dumps(file_line("a"))).encode()
    with socket.create_connection((host, int(port))) as connection:
        head = (
            f"POST /api/models/{model}/commit/main HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {alice.token}\r\n"
        )
        connection.sendall(f"{head}Content-Length: {len(body) + 5}\r\n\r\n".encode() + body)
    assert alice.list_repo_files(model) == [".gitattributes"]
    assert len(alice.list_repo_commits(model)) == 1
