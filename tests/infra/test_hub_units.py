"""What can be checked without a server: names against git, trees against git, accounts."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.hub.accounts import parse_tokens
from infra.hub.blobs import BlobStore
from infra.hub.errors import HubError
from infra.hub.names import check_path, check_ref
from infra.hub.storage import RootInUseError, Storage
from infra.hub.trees import File, folder_oids, git_oid, pack, regular_file, unpack

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
REFS = ["main", "round/1", "v1.0", "a_b-c+d", "a.lock", "a..b", "a b", "a/.b", "-x", "x/", "a~1", "x@{1}"]
PATHS = ["a", "a.b", "a-b/x", "a/b/c", "a/b.txt", "a0", "ü/é", "z/z/z/z"]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@needs_git
def test_tree_ids_are_git_s(tmp_path: Path):
    paths = [path for path in PATHS if path != "a"]
    git(tmp_path, "init", "-q")
    tree = {}
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
        content = path.encode()
        tree[path] = regular_file(content, hashlib.sha256(content).hexdigest())
    git(tmp_path, "add", ".")
    assert folder_oids(tree)[""] == git(tmp_path, "write-tree")
    assert folder_oids(tree)["a/b"] == git(tmp_path, "rev-parse", f"{git(tmp_path, 'write-tree')}:a/b")


@needs_git
@pytest.mark.parametrize("name", REFS)
def test_refs_are_accepted_as_git_accepts_them(tmp_path: Path, name: str):
    command = ["git", "check-ref-format", "--branch", name]
    git_accepts = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    try:
        check_ref(name)
    except HubError:
        accepted = False
    else:
        accepted = True
    assert accepted == git_accepts


def test_empty_tree_and_blob_have_git_s_ids():
    assert folder_oids({})[""] == git_oid("tree", b"") == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert git_oid("blob", b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def test_tree_survives_storing():
    tree = {"ü/a": File("0" * 40, "1" * 64, 5, True), "b": File("2" * 40, "3" * 64, 0, False)}
    assert unpack(pack(tree)) == tree


@pytest.mark.parametrize("path", ["a", "a/b", "data/shard-00000.parquet", "ü", ".gitattributes", "..a/b..", "x" * 255])
def test_ordinary_paths_are_accepted(path: str):
    assert check_path(path) == path


def test_accounts_know_tokens_and_say_nothing_about_them():
    accounts = parse_tokens("alice=one-token, bob=two-token,alice=other=token")
    users = [accounts.user_of(f"Bearer {token}") for token in ("one-token", "two-token", "other=token")]
    assert users == ["alice", "bob", "alice"]
    assert accounts.user_of(None) is None
    assert "token" not in repr(vars(accounts))


def test_unfinished_content_leaves_no_file(tmp_path: Path):
    store = BlobStore(tmp_path)
    with pytest.raises(RuntimeError), store.writer() as writer:
        writer.write(b"half")
        raise RuntimeError
    assert not list(store.incoming.iterdir()) and not list(store.folder.glob("*/*"))


def test_root_belongs_to_one_at_a_time(tmp_path: Path):
    storage = Storage(tmp_path)
    with pytest.raises(RootInUseError):
        Storage(tmp_path)
    storage.close()
    Storage(tmp_path).close()


def test_hub_imports_nothing_of_the_other_packages():
    folder = Path(__file__).resolve().parents[2] / "infra"
    for file in folder.rglob("*.py"):
        for package in ("data_lake", "tasks", "flows", "ui", "huggingface_hub"):
            assert f"import {package}" not in file.read_text() and f"from {package}" not in file.read_text(), file
