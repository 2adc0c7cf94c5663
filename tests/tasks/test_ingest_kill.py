"""Killed at any instant, the same command again ends where an undisturbed run ends."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from data_lake.data_settings import DataSettings
from data_lake.dataset import find_manifest
from data_lake.layout import Lake
from tasks import ingest_commit
from tasks.ingest import ingest

SETTINGS = DataSettings(shards=6, chunk_mb=1)
# A process that has everything imported and, for each line `root path workers`, ingests in a fork of itself.
INGEST = """
import os
import sys
from pathlib import Path
from data_lake.data_settings import DataSettings
from data_lake.layout import Lake
from tasks.ingest import ingest
if __name__ == "__main__":
    for line in sys.stdin:
        root, path, workers = line.split()
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            settings = DataSettings(shards=6, chunk_mb=1, workers=int(workers))
            ingest(Lake(Path(root)), [path], settings, run_map=None if settings.workers else map)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Starts ingests as processes of their own that can be killed."""

    def __init__(self, script: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        self._process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def start(self, lake: Lake, path: Path, workers: int) -> int:
        self._process.stdin.write(f"{lake.root} {path} {workers}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def exit_code(self) -> int:
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def _leftovers(lake: Lake) -> list[Path]:
    return [path for path in lake.root.rglob("*") if ".partial" in path.name or ".spool" in path.name] + list(
        lake.work.glob("*")
    )


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    path = tmp_path_factory.mktemp("script") / "ingests.py"
    path.write_text(INGEST)
    nursery = Nursery(path)
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def undisturbed(catalogue, tmp_path_factory, bytes_of) -> tuple[dict[str, str], float]:
    lake = Lake(tmp_path_factory.mktemp("undisturbed"))
    started = time.monotonic()
    ingest(lake, [str(catalogue)], SETTINGS, run_map=map)
    return bytes_of(lake), time.monotonic() - started


@pytest.mark.timeout(240)
def test_twenty_kills_at_random_instants(catalogue, undisturbed, nursery, tmp_path, bytes_of):
    """Each of twenty runs is killed; each leaves no dataset or a whole one; each is then completed."""
    expected, seconds = undisturbed
    chance = random.Random(11)
    killed = 0
    for kill in range(20):
        lake = Lake(tmp_path / f"lake-{kill % 4}")  # a lake is killed again and again before it is completed
        process = nursery.start(lake, catalogue, workers=0)
        time.sleep(chance.uniform(0, 1.2 * seconds))
        with suppress(ProcessLookupError):  # it has ended already
            os.kill(process, signal.SIGKILL)
        killed += nursery.exit_code() == -signal.SIGKILL
        if find_manifest(lake) is not None:
            assert bytes_of(lake) == expected
            shutil.rmtree(lake.root)  # a finished one has nothing left to be killed in
        if kill >= 16:
            ingest(lake, [str(catalogue)], SETTINGS, run_map=map)
            assert bytes_of(lake) == expected
            assert _leftovers(lake) == []
    assert killed >= 3, "hardly any run was met; how many are is a matter of the machine's speed"


@pytest.mark.timeout(60)
def test_workers_end_with_a_killed_parent(catalogue, undisturbed, nursery, lake, bytes_of):
    process = nursery.start(lake, catalogue, workers=2)
    _wait_for(lambda: list(lake.work.glob("ingest-*/pieces/*.json")))
    os.kill(process, signal.SIGKILL)
    assert nursery.exit_code() == -signal.SIGKILL
    _wait_for(lambda: not _members(process))
    ingest(lake, [str(catalogue)], SETTINGS, run_map=map)
    assert bytes_of(lake) == undisturbed[0]
    assert _leftovers(lake) == []


def test_finished_work_is_not_done_again(catalogue, undisturbed, lake, bytes_of):
    class Killed(Exception):
        pass

    def killed_after(steps: int):
        def run_map(function, items):
            nonlocal steps
            for item in items:
                if steps == 0:
                    raise Killed
                steps -= 1
                yield function(item)

        return run_map

    done = []

    def counting(function, items):
        for item in items:
            before = time.time_ns()
            yield function(item)
            done.append((function.__name__, before))

    with pytest.raises(Killed):
        ingest(lake, [str(catalogue)], SETTINGS, run_map=killed_after(2))
    with pytest.raises(Killed):
        ingest(lake, [str(catalogue)], SETTINGS, run_map=killed_after(4 + 3))
    made = {path: path.stat().st_mtime_ns for path in lake.work.rglob("*.parquet") if "shard" in path.name}
    assert len(made) == 3
    report = ingest(lake, [str(catalogue)], SETTINGS, run_map=counting)
    assert (report.chunks, report.chunks_reused) == (4, 4)
    assert all(lake.data.joinpath(path.name).stat().st_mtime_ns == changed for path, changed in made.items())
    assert bytes_of(lake) == undisturbed[0]


@pytest.mark.parametrize("moved", [0, 1, 4])
def test_a_commit_that_was_begun_is_carried_through(catalogue, undisturbed, lake, bytes_of, monkeypatch, moved):
    """Killed between the moves of finished files: the next command finishes them, before it looks for what is new."""
    replace, left = os.replace, moved

    def replace_some(source, target):
        nonlocal left
        if str(target).startswith(str(lake.dataset)) or str(target).startswith(str(lake.rejects)):
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
        replace(source, target)

    monkeypatch.setattr(ingest_commit.os, "replace", replace_some)
    with pytest.raises(KeyboardInterrupt):
        ingest(lake, [str(catalogue)], SETTINGS, run_map=map)
    assert find_manifest(lake) is None
    monkeypatch.setattr(ingest_commit.os, "replace", replace)
    assert ingest(lake, [str(catalogue)], SETTINGS, run_map=map).unchanged
    assert bytes_of(lake) == undisturbed[0]
    assert _leftovers(lake) == []


def _members(group: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, member = entry.joinpath("stat").read_text().rpartition(")")[2].split()[:3]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(member) == group and state != "Z":
                found.append(int(entry.name))
    return found


def _wait_for(condition, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
