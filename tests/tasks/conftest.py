"""What the tests of ingest share: a made-up catalogue, and a way to tell two lakes apart."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from data_lake.layout import Lake
from tasks.processes import LocalProcesses
from tasks.sample import write_sample


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4,000 made-up lines, about 3.5 MB."""
    path = tmp_path_factory.mktemp("catalogue") / "trn.json"
    write_sample(path, 4_000, seed=7)
    return path


@pytest.fixture(scope="session")
def processes() -> Iterator[LocalProcesses]:
    """Two processes, started once."""
    with LocalProcesses(2) as run_map:
        yield run_map


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., str]:
    """Writes rows (dicts as JSON, bytes as they are) as lines of a file below the test's folder."""

    def write(name: str, *rows: dict | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join((row if isinstance(row, bytes) else orjson.dumps(row)) + b"\n" for row in rows))
        return str(path)

    return write


@pytest.fixture(scope="session")
def bytes_of() -> Callable[[Lake], dict[str, str]]:
    """Every file of a lake's dataset and rejects → the hash of its bytes."""

    def hashes(lake: Lake) -> dict[str, str]:
        files = [path for folder in (lake.dataset, lake.rejects) for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(lake.root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return hashes


@pytest.fixture(scope="session")
def real_rows() -> list[Path]:
    """The two files of real rows; they are read in place."""
    folder = Path(os.environ.get("ROUNDHOUSE_REAL_ROWS", Path(__file__).parents[2] / "../shared/data"))
    files = [folder / "trn_10_full.jsonl", folder / "trn_500_nonempty.jsonl"]
    if not all(file.exists() for file in files):
        pytest.skip(f"no real rows in {folder}: set ROUNDHOUSE_REAL_ROWS")
    return files
