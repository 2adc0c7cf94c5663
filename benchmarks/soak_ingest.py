"""Ingest at full size, killed at random instants until it has been killed twenty times, then left in peace.

    python benchmarks/soak_ingest.py                # 2,248,619 lines, about 20 minutes
    python benchmarks/soak_ingest.py --rows 200000 --kills 5

The result must be byte-equal to that of an undisturbed run, and nothing may be left beside it.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.ingest import FULL, catalogue  # noqa: E402
from data_lake.data_settings import DataSettings  # noqa: E402
from data_lake.files import sha256_of  # noqa: E402
from data_lake.layout import Lake  # noqa: E402
from tasks.ingest import ingest  # noqa: E402


def start(file: Path, lake: Lake) -> subprocess.Popen:
    """An ingest in a group of processes of its own."""
    command = [sys.executable, __file__, "--run", str(file), str(lake.root)]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)


def contents(lake: Lake) -> dict[str, str]:
    """Every file of the lake but caches and locks → the hash of its bytes."""
    files = [path for folder in (lake.dataset, lake.rejects, lake.work) for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(lake.root)): sha256_of(path) for path in files}


def soak(file: Path, folder: Path, kills: int, seed: int) -> None:
    """Compares an undisturbed run with one that was killed `kills` times.

    Raises:
        AssertionError: they differ.
    """
    chance, undisturbed, killed = random.Random(seed), Lake(folder / "undisturbed"), Lake(folder / "killed")
    started = time.monotonic()
    assert start(file, undisturbed).wait() == 0
    seconds = time.monotonic() - started
    print(f"undisturbed: {seconds:.1f} s", file=sys.stderr)
    for kill in range(kills):
        process = start(file, killed)
        after = chance.uniform(0, seconds)
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        print(f"kill {kill + 1} of {kills} after {after:.1f} s: {process.wait()}", file=sys.stderr)
        if killed.manifest.exists():
            assert contents(killed) == contents(undisturbed), (
                "a run that was killed left a manifest, but no whole dataset"
            )
    assert start(file, killed).wait() == 0
    assert contents(killed) == contents(undisturbed), "the killed run's result differs from the undisturbed one's"
    print(f"{len(contents(killed))} files are byte-equal after {kills} kills")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=FULL)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/roundhouse")
    parser.add_argument("--run", nargs=2, metavar=("FILE", "LAKE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        ingest(Lake(Path(options.run[1])), [options.run[0]], DataSettings())
        return
    options.cache.mkdir(parents=True, exist_ok=True)
    file = catalogue(options.cache, options.rows, packed=False)
    with tempfile.TemporaryDirectory(dir=options.cache) as folder:
        soak(file, Path(folder), options.kills, options.seed)


if __name__ == "__main__":
    main()
