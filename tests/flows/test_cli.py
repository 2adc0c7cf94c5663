"""The command as people call it: new processes, one JSON object or one line of error."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_lake.layout import Lake

ROUNDHOUSE = [sys.executable, "-c", "from flows.cli import main; main()"]


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*ROUNDHOUSE, *arguments], capture_output=True, text=True, timeout=280, env={**os.environ, **environment}
    )


def said(*arguments: str, **environment: str) -> dict:
    """What a command that must succeed says with --json, which is all that is on standard output."""
    done = call(*arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(*arguments: str, **environment: str) -> str:
    """The one line of a command that must fail."""
    done = call(*arguments, **environment)
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("roundhouse: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_sample_is_a_function_of_its_seed(tmp_path: Path) -> None:
    first = said("sample", str(tmp_path / "a.json"), "--rows", "200", "--seed", "5")
    said("sample", str(tmp_path / "b.json"), "--rows", "200", "--seed", "5")
    assert first["rows"] == 200
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert first["bytes"] == (tmp_path / "a.json").stat().st_size


def test_the_next_round_and_what_status_and_ask_say_of_it(own_trained_lake: Lake, small_profile: str) -> None:
    options = ("--lake", str(own_trained_lake.root), "--profile", small_profile)
    before = said("status", *options)
    assert [entry["round"] for entry in before["rounds"]] == [1, 2]
    trained = said("train", "--rounds", "1", *options)["rounds"]
    assert [(entry["round"], entry["shard"]) for entry in trained] == [(3, "shard-00002")]
    assert trained[0]["parent"] == before["rounds"][1]["revision"]
    after = said("status", *options)
    assert after["dataset"]["shards"] == 6
    assert after["next_shard"] == "shard-00003"
    assert after["rounds"][2]["revision"] == trained[0]["revision"]
    answer = said("ask", "Tell me about chair from Amazon.", "--round", "3", *options)
    assert (answer["round"], answer["revision"]) == (3, trained[0]["revision"])
    assert {"uid", "title", "shard"} <= set(answer["sources"][0])
    base = said("ask", "Tell me about chair from Amazon.", "--base", *options)
    assert base["round"] is None
    assert base["revision"] != answer["revision"]


def test_more_rounds_than_shards(own_trained_lake: Lake, small_profile: str) -> None:
    line = refused("train", "--rounds", "5", "--lake", str(own_trained_lake.root), "--profile", small_profile)
    assert "5 rounds were asked for and 4 shards are left" in line
    assert "roundhouse train --rounds 4" in line


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("train", "--rounds", "0"), "0 rounds cannot be trained"),
        (("status", "--profile", "nowhere"), "There is no profile 'nowhere'"),
        (("ask", "x", "--base", "--round", "1"), "cannot both be asked"),
        (("ask", " "), "The question is empty"),
        (("sample", "x.json", "--rows", "0"), "0 rows cannot be written"),
        (("sql", "SELECT 1"), "There is no dataset"),
        (("publish",), "There is no dataset"),
        (("train",), "There is no dataset"),
        (("ask", "chair"), "No round is promoted yet"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], why: str, tmp_path: Path) -> None:
    line = refused(*arguments, ROUNDHOUSE_LAKE=str(tmp_path / "lake"))
    assert why in line


def test_a_missing_hub_and_a_wrong_token(published_lake: Lake, tmp_path: Path, own_hub) -> None:
    lake = str(tmp_path / "other")
    assert "does not answer" in refused("status", "--lake", lake, HF_ENDPOINT="http://127.0.0.1:9", HF_TOKEN="hf_x")
    line = refused("status", "--lake", lake, HF_ENDPOINT=own_hub.endpoint, HF_TOKEN="hf_not_this_one")
    assert "refuses the token" in line
    assert "hf_not_this_one" not in line


def test_a_port_in_use(tmp_path: Path, own_hub) -> None:
    port = own_hub.endpoint.rsplit(":", 1)[1]
    assert "did not start" in refused("hub", "--port", port, "--lake", str(tmp_path / "other"))


def write_cut_off(folder: Path) -> Path:
    lines = b"".join(
        json.dumps({"uid": str(n), "title": f"Chair {n}", "content": f"A chair {n} {n * 7919}."}).encode() + b"\n"
        for n in range(5000)
    )
    packed = gzip.compress(lines)
    (folder / "cut.json.gz").write_bytes(packed[: len(packed) * 9 // 10])
    return folder / "cut.json.gz"


def test_a_cut_off_input_leaves_no_dataset(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    line = refused("ingest", str(write_cut_off(tmp_path)), "--lake", str(lake.root))
    assert "roundhouse ingest" in line
    assert not lake.manifest.exists()
    assert not list(lake.root.glob("dataset/**/*.parquet"))
    assert "There is no dataset" in refused("publish", "--lake", str(lake.root))
