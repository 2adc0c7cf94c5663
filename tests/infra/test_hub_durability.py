"""Races, kills and the collector: what was acknowledged is there, whatever happened."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError

RACERS = 8
COMMITS = 50
KILLS = 4


def collect(root: Path) -> subprocess.CompletedProcess:
    project = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "infra.hub", "collect", "--root", str(root)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("attempt", range(3))
def test_of_racers_on_one_parent_exactly_one_wins(alice: HfApi, model: str, attempt: int):
    parent = alice.model_info(model).sha
    start = threading.Barrier(RACERS)

    def race(racer: int) -> str | None:
        contents = {"round.json": b"%d" % racer, f"{racer}.bin": b"\0%d" % racer}
        operations = [CommitOperationAdd(path, content) for path, content in contents.items()]
        alice.preupload_lfs_files(model, operations)
        start.wait()
        try:
            return alice.create_commit(model, operations, commit_message=str(racer), parent_commit=parent).oid
        except HfHubHTTPError as error:
            assert error.response.status_code == 412
            return None

    with ThreadPoolExecutor(RACERS) as pool:
        winners = [(i, oid) for i, oid in enumerate(pool.map(race, range(RACERS))) if oid]
    ((winner, oid),) = winners
    history = alice.list_repo_commits(model)
    assert [commit.commit_id for commit in history] == [oid, parent]
    assert sorted(alice.list_repo_files(model)) == sorted([".gitattributes", "round.json", f"{winner}.bin"])


def test_racers_without_a_parent_all_get_in(alice: HfApi, model: str):
    def commit(racer: int) -> str:
        return alice.upload_file(path_or_fileobj=b"%d" % racer, path_in_repo=str(racer), repo_id=model).oid

    with ThreadPoolExecutor(RACERS) as pool:
        made = set(pool.map(commit, range(RACERS)))
    assert made <= {commit.commit_id for commit in alice.list_repo_commits(model)}
    assert len(alice.list_repo_files(model)) == RACERS + 1


def test_kill_during_fifty_commits(start_hub: Callable, tmp_path: Path):
    """Two threads make fifty commits while the server is killed and started again four times; then all is compared."""
    acknowledged: dict[str, str] = {}
    server = start_hub()
    api = server.api("alice")
    api.create_repo("alice/m")

    def commit(name: str) -> None:
        contents = {f"{name}.txt": name.encode(), f"{name}.bin": b"\0" + name.encode()}
        operations = [CommitOperationAdd(path, content) for path, content in contents.items()]
        try:
            acknowledged[name] = api.create_commit("alice/m", operations, commit_message=name).oid
        except (httpx.TransportError, RuntimeError):
            # Cut off by a kill. (The client repeats by itself what leads up to a commit, not the commit.)
            return

    names = [str(i) for i in range(COMMITS)]
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(commit, name) for name in names]
        for kill in range(KILLS):
            while sum(future.done() for future in done) < 5 + kill * COMMITS // KILLS:
                time.sleep(0.002)
            time.sleep(random.uniform(0, 0.05))
            server.kill()
            server = start_hub(port=server.port)
        for future in done:
            future.result()
    check_history(server.api("alice"), acknowledged, set(names), tmp_path)
    assert server.stop() == 0
    assert not list((server.root / "tmp").iterdir())


def check_history(api: HfApi, acknowledged: dict[str, str], tried: set[str], folder: Path) -> None:
    history = {commit.title: commit.commit_id for commit in api.list_repo_commits("alice/m")}
    made = history.keys() - {"initial commit"}
    assert acknowledged.items() <= history.items()
    # A commit may be done and its answer lost: at most one for each thread and kill.
    assert made <= tried and len(made - acknowledged.keys()) <= 2 * KILLS
    assert len(acknowledged) >= COMMITS - 2 * KILLS
    expected = {f"{name}.{ending}" for name in made for ending in ("txt", "bin")} | {".gitattributes"}
    assert set(api.list_repo_files("alice/m")) == expected
    snapshot = Path(api.snapshot_download("alice/m", cache_dir=folder / "cache"))
    for name in made:
        assert (snapshot / f"{name}.txt").read_bytes() == name.encode()
        assert (snapshot / f"{name}.bin").read_bytes() == b"\0" + name.encode()


def test_upload_address_outlives_a_restart(start_hub: Callable):
    server = start_hub()
    api = server.api("alice")
    api.create_repo("alice/m")
    body = {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1}]}
    headers = {"Authorization": f"Bearer {api.token}"}
    answer = httpx.post(f"{server.endpoint}/alice/m.git/info/lfs/objects/batch", json=body, headers=headers).json()
    server.kill()
    start_hub(port=server.port)
    answer = httpx.put(answer["objects"][0]["actions"]["upload"]["href"], content=b"x")
    assert answer.status_code == 400 and "does not match" in answer.json()["error"]


def test_collector_keeps_what_is_referred_to_and_nothing_else(start_hub: Callable, tmp_path: Path):
    server = start_hub()
    api = server.api("alice")
    api.create_repo("alice/m")
    api.create_repo("alice/gone")
    api.upload_file(path_or_fileobj=b"\0of a deleted repository", path_in_repo="x.bin", repo_id="alice/gone")
    api.delete_repo("alice/gone")
    old = api.upload_file(path_or_fileobj=b"\0squashed away", path_in_repo="x.bin", repo_id="alice/m").oid
    api.upload_file(path_or_fileobj=b"\0tagged", path_in_repo="x.bin", repo_id="alice/m")
    api.create_tag("alice/m", tag="t")
    api.super_squash_history("alice/m")
    api.delete_tag("alice/m", tag="t")
    api.preupload_lfs_files("alice/m", [CommitOperationAdd("y.bin", b"\0never committed")])
    assert collect(server.root).returncode == 1
    server.stop()
    done = collect(server.root)
    assert done.returncode == 0
    assert json.loads(done.stdout)["blobs"] == 3 and json.loads(done.stdout)["commits"] == 3
    server = start_hub()
    api = server.api("alice")
    path = api.hf_hub_download("alice/m", "x.bin", cache_dir=tmp_path / "cache")
    assert Path(path).read_bytes() == b"\0tagged"
    with pytest.raises(RevisionNotFoundError):
        api.model_info("alice/m", revision=old)
    api.upload_file(path_or_fileobj=b"\0never committed", path_in_repo="y.bin", repo_id="alice/m")


def test_collecting_what_is_no_hub(tmp_path: Path):
    done = collect(tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
