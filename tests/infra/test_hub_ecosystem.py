"""The libraries people use, each against the server as it is: no mock, no patch.

Those that read HF_ENDPOINT when they are imported run in a process of their own.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import polars
import pytest
from huggingface_hub import CommitOperationAdd, HfApi, HfFileSystem, ModelCard

ROWS = 300


@pytest.fixture(scope="module")
def catalogue(alice: HfApi, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A private dataset of two shards and a validation file, with a card that tells them apart."""
    folder = tmp_path_factory.mktemp("catalogue")
    card = "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/shard-*.parquet\n"
    card += "  - split: validation\n    path: data/validation.parquet\n---\n# Catalogue\n"
    (folder / "README.md").write_text(card)
    (folder / "data").mkdir()
    for number, name in enumerate(["shard-00000", "shard-00001", "validation"]):
        rows = {"uid": [f"{number}-{i}" for i in range(ROWS)], "title": [f"title {i}" for i in range(ROWS)]}
        polars.DataFrame(rows).write_parquet(folder / "data" / f"{name}.parquet")
    repo = alice.create_repo("alice/catalogue", repo_type="dataset", private=True).repo_id
    alice.upload_folder(repo_id=repo, folder_path=folder, repo_type="dataset")
    return repo


@pytest.fixture(scope="module")
def files(alice: HfApi) -> HfFileSystem:
    return HfFileSystem(endpoint=alice.endpoint, token=alice.token, skip_instance_cache=True)


def environment(api: HfApi, folder: Path) -> dict[str, str]:
    return {**os.environ, "HF_ENDPOINT": api.endpoint, "HF_TOKEN": str(api.token), "HF_HOME": str(folder / "hf")}


def run_python(api: HfApi, folder: Path, code: str, *arguments: str) -> dict:
    """Runs code that prints one JSON object as its last line, against the server."""
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    done = subprocess.run(
        command, env=environment(api, folder), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def run_hf(api: HfApi, folder: Path, *arguments: str) -> str:
    command = [str(Path(sys.executable).parent / "hf"), *arguments]
    done = subprocess.run(
        command, env=environment(api, folder), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_hf_command(alice: HfApi, tmp_path: Path):
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "w.safetensors").write_bytes(b"\0weights")
    (tmp_path / "up" / "a.json").write_text("{}")
    assert "alice" in run_hf(alice, tmp_path, "auth", "whoami")
    run_hf(alice, tmp_path, "repos", "create", "alice/by-command", "--private")
    run_hf(alice, tmp_path, "upload", "alice/by-command", "up", ".", "--commit-message", "by command")
    run_hf(alice, tmp_path, "repos", "tag", "create", "alice/by-command", "v1")
    run_hf(alice, tmp_path, "download", "alice/by-command", "--revision", "v1", "--local-dir", "down")
    assert (tmp_path / "down" / "w.safetensors").read_bytes() == b"\0weights"
    assert alice.list_repo_commits("alice/by-command")[0].title == "by command"


def test_load_dataset_whole_and_streaming(alice: HfApi, catalogue: str, tmp_path: Path):
    code = """
        import json, sys
        from datasets import load_dataset
        whole = load_dataset(sys.argv[1])
        stream = load_dataset(sys.argv[1], split="train", streaming=True)
        rows = {split: len(data) for split, data in whole.items()}
        print(json.dumps({"rows": rows, "first": whole["train"][0], "streamed": [row["uid"] for row in stream]}))
    """
    found = run_python(alice, tmp_path, code, catalogue)
    assert found["rows"] == {"train": 2 * ROWS, "validation": ROWS}
    assert found["first"] == {"uid": "0-0", "title": "title 0"}
    assert found["streamed"] == [f"{number}-{i}" for number in range(2) for i in range(ROWS)]


def test_push_to_hub_and_back(alice: HfApi, tmp_path: Path):
    code = """
        import json
        from datasets import Dataset, load_dataset
        Dataset.from_dict({"x": [1, 2, 3]}).push_to_hub("alice/pushed", private=True)
        print(json.dumps(load_dataset("alice/pushed", split="train")["x"][:]))
    """
    assert run_python(alice, tmp_path, code) == [1, 2, 3]


def test_adapter_on_a_base_model_from_the_hub(alice: HfApi, tmp_path: Path):
    """A tiny model and its tokenizer are pushed, an adapter for them too, and all three are loaded by name."""
    code = """
        import json
        import torch
        from peft import LoraConfig, PeftModel, get_peft_model
        from tokenizers import Tokenizer, models, pre_tokenizers
        from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM
        from transformers import PreTrainedTokenizerFast

        words = Tokenizer(models.WordLevel({"[UNK]": 0, "hello": 1, "world": 2}, unk_token="[UNK]"))
        words.pre_tokenizer = pre_tokenizers.Whitespace()
        sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
        torch.manual_seed(0)
        base = LlamaForCausalLM(LlamaConfig(vocab_size=3, **sizes))
        base.push_to_hub("alice/tiny-base", private=True)
        PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]").push_to_hub("alice/tiny-base")
        adapted = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
        adapted.push_to_hub("alice/tiny-lora", private=True)

        tokenizer = AutoTokenizer.from_pretrained("alice/tiny-base")
        ids = tokenizer("hello world", return_tensors="pt").input_ids
        fresh = AutoModelForCausalLM.from_pretrained("alice/tiny-base")
        plain = fresh(ids).logits.detach().clone()
        loaded = PeftModel.from_pretrained(fresh, "alice/tiny-lora")
        with torch.no_grad():
            same = torch.equal(loaded(ids).logits, adapted(ids).logits)
            changed = not torch.equal(loaded(ids).logits, plain)
        print(json.dumps({"ids": ids.tolist(), "same": same, "changed": changed}))
    """
    assert run_python(alice, tmp_path, code) == {"ids": [[1, 2]], "same": True, "changed": True}


def test_polars_reads_through_the_file_system(files: HfFileSystem, catalogue: str):
    with files.open(f"datasets/{catalogue}/data/validation.parquet") as file:
        frame = polars.read_parquet(file, columns=["uid"])
    assert frame["uid"].to_list() == [f"2-{i}" for i in range(ROWS)]


def test_polars_scans_a_snapshot(alice: HfApi, catalogue: str, tmp_path: Path):
    folder = alice.snapshot_download(catalogue, repo_type="dataset", cache_dir=tmp_path)
    frame = polars.scan_parquet(f"{folder}/data/shard-*.parquet").filter(polars.col("uid").str.starts_with("1-"))
    assert frame.select(polars.len()).collect().item() == ROWS


def test_duckdb_queries_through_the_file_system(files: HfFileSystem, catalogue: str):
    connection = duckdb.connect()
    connection.register_filesystem(files)
    query = f"SELECT count(*), count(DISTINCT uid) FROM 'hf://datasets/{catalogue}/data/shard-*.parquet'"
    assert connection.execute(query).fetchall() == [(2 * ROWS, 2 * ROWS)]


def test_card_round_trip(alice: HfApi, model: str, tmp_path: Path):
    alice.create_commit(
        model, [CommitOperationAdd("README.md", b"---\nlicense: mit\n---\n# Card\n")], commit_message="c"
    )
    path = alice.hf_hub_download(model, "README.md", cache_dir=tmp_path)
    assert ModelCard.load(path).data.license == "mit"
