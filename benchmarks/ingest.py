"""Ingest against what others would do with the same file.

    python benchmarks/ingest.py                     # 2,248,619 lines, three rounds, about 15 minutes
    python benchmarks/ingest.py --rows 200000       # the same, small
    python benchmarks/ingest.py --only roundhouse,duckdb --rounds 5
    python benchmarks/ingest.py --times 10 --only roundhouse --rounds 1    # ten times the rows (needs 40 GB of disk)

The made-up catalogue is cached in ~/.cache/roundhouse (--cache). Every contender runs in a process of its own, one
after the other in each round, so that a noisy minute hits all of them; the table shows the best of the rounds, as
noise only ever adds. Memory is the highest sum of resident memory over the whole process tree, sampled every 50 ms.

* roundhouse: all of it: entities, NFC, trailers, rules, exact split, duplicates, rejects, hashes, flushed to disk.
* roundhouse .gz: the same from a gzip file. roundhouse again: the same command once more, nothing changed.
* roundhouse in Prefect: the same as flow `ingest` with Prefect embedded; what is more is Prefect's start.
* duckdb: COPY … PARTITION_BY: parse, trim, drop empty, nothing else. polars, datasets, pandas: as most write it.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
FULL = 2_248_619
SHARDS = 70
MB = 1e6


@dataclass
class Run:
    """One contender, run once."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all its processes."""
    peak: float
    """Bytes of the process tree."""


def roundhouse(file: Path, out: Path) -> None:
    from data_lake.data_settings import DataSettings
    from data_lake.layout import Lake
    from tasks.ingest import ingest

    report = ingest(Lake(out), [str(file)], DataSettings(shards=SHARDS))
    assert report.lines == report.kept + sum(report.rejected.values())


def roundhouse_in_prefect(file: Path, out: Path) -> None:
    os.environ["PREFECT_HOME"] = str(out / "prefect")
    from flows.ingest import ingest_flow

    ingest_flow([str(file)], str(out))


def duckdb(file: Path, out: Path) -> None:
    import duckdb

    duckdb.execute(f"""
        COPY (
            SELECT uid, trim(title) AS title, trim(content) AS content, hash(content) % {SHARDS} AS shard
            FROM read_json('{file}', format = 'newline_delimited',
                           columns = {{uid: 'VARCHAR', title: 'VARCHAR', content: 'VARCHAR'}})
            WHERE trim(title) <> '' AND trim(content) <> ''
        ) TO '{out}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (shard), OVERWRITE_OR_IGNORE)
    """)


def polars(file: Path, out: Path) -> None:
    import polars as pl

    schema = {"uid": pl.String, "title": pl.String, "content": pl.String}
    rows = pl.read_ndjson(file, schema=schema)
    rows = rows.with_columns(pl.col("title").str.strip_chars(), pl.col("content").str.strip_chars())
    rows = rows.filter((pl.col("title") != "") & (pl.col("content") != ""))
    parts = rows.with_columns(shard=pl.col("content").hash() % SHARDS).partition_by("shard", include_key=False)
    for number, part in enumerate(parts):
        part.write_parquet(out / f"{number}.parquet", compression="zstd")


def datasets(file: Path, out: Path) -> None:
    from datasets import Features, List, Value, load_dataset

    features = Features(
        {
            "uid": Value("string"),
            "title": Value("string"),
            "content": Value("string"),
            "target_ind": List(Value("int64")),
            "target_rel": List(Value("float64")),
        }
    )
    rows = load_dataset("json", data_files=str(file), split="train", features=features, cache_dir=str(out / "cache"))
    rows = rows.select_columns(["uid", "title", "content"])
    rows = rows.filter(lambda title, content: title.strip() and content.strip(), input_columns=["title", "content"])
    for number in range(SHARDS):
        rows.shard(SHARDS, number).to_parquet(out / f"{number}.parquet")


def pandas(file: Path, out: Path) -> None:
    import pandas as pd

    rows = pd.read_json(file, lines=True, dtype=False)[["uid", "title", "content"]]
    rows["title"], rows["content"] = rows["title"].str.strip(), rows["content"].str.strip()
    rows = rows[(rows["title"] != "") & (rows["content"] != "")]
    shard = pd.util.hash_pandas_object(rows["content"], index=False) % SHARDS
    for number, part in rows.groupby(shard):
        part.to_parquet(out / f"{number}.parquet", compression="zstd")


CONTENDERS = {
    "roundhouse": roundhouse,
    "roundhouse again": roundhouse,
    "roundhouse .gz": roundhouse,
    "roundhouse in Prefect": roundhouse_in_prefect,
    "duckdb": duckdb,
    "polars": polars,
    "datasets": datasets,
    "pandas": pandas,
}

LIMITS = [
    ("roundhouse", "duckdb", "wall", 1.3),
    ("roundhouse .gz", "roundhouse", "wall", 1.6),
    ("roundhouse again", "roundhouse", "wall", 0.35),
    ("roundhouse", "datasets", "wall", 1 / 3),
    ("roundhouse", "pandas", "wall", 1 / 5),
]
"""Contender, of whom, what, the largest share that is promised."""
MAX_PEAK = 1_200 * MB


def measure(name: str, file: Path, out: Path) -> Run:
    """Runs a contender in a process of its own and watches its process tree."""
    command = [sys.executable, __file__, "--run", name, str(file), str(out)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    started, peak = time.monotonic(), 0
    cpu: dict[int, float] = {}
    with tempfile.TemporaryFile("w+") as log:
        process = psutil.Popen(command, env=environment, stdout=log, stderr=log)
        while process.poll() is None:
            peak = max(peak, _look(process, cpu))
            time.sleep(0.05)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{log.read()}\n{name} failed with exit code {process.returncode}")
    return Run(time.monotonic() - started, sum(cpu.values()), peak)


def _look(process: psutil.Process, cpu: dict[int, float]) -> int:
    """Notes the CPU seconds of every process of the tree so far, and returns the bytes they hold together."""
    held = 0
    try:
        for member in (process, *process.children(recursive=True)):
            times = member.cpu_times()
            cpu[member.pid] = times.user + times.system
            held += member.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
    return held


def run_round(names: list[str], file: Path, folder: Path) -> dict[str, Run]:
    """Runs each contender once. `roundhouse again` finds what `roundhouse` left."""
    runs = {}
    for name in names:
        out = folder / name.removesuffix(" again")
        if not name.endswith(" again"):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
        runs[name] = measure(name, file.with_name(file.name + ".gz") if name.endswith(".gz") else file, out)
        print(f"  {name:<22} {runs[name].wall:7.1f} s", file=sys.stderr)
        if name != "roundhouse" or "roundhouse again" not in names:
            shutil.rmtree(out)
    return runs


def catalogue(cache: Path, rows: int, packed: bool) -> Path:
    """The made-up catalogue of `rows` lines, and its gzip where it is asked for, made unless they are cached."""
    from tasks.sample import write_sample

    file = cache / f"trn-{rows}.json"
    for path in (file, file.with_name(file.name + ".gz")) if packed else (file,):
        if not path.exists():
            started = time.monotonic()
            report = write_sample(path, rows, seed=1)
            seconds = time.monotonic() - started
            print(f"{path.name}: {rows:,} lines, {report.bytes / MB:,.0f} MB in {seconds:.0f} s", file=sys.stderr)
    return file


def best(rounds: list[dict[str, Run]], name: str) -> Run:
    """The least of each measure; of memory the most."""
    runs = [runs[name] for runs in rounds]
    return Run(min(run.wall for run in runs), min(run.cpu for run in runs), max(run.peak for run in runs))


def print_table(rounds: list[dict[str, Run]], rows: int) -> bool:
    """Prints the table and the promises; returns whether all that were measured hold."""
    runs = {name: best(rounds, name) for name in rounds[0]}
    print(f"\n{rows:,} lines, best of {len(rounds)}, {len(os.sched_getaffinity(0))} cores\n")
    print("| what | wall s | CPU s | peak MB | wall, of duckdb's |\n|---|---|---|---|---|")
    for name, run in runs.items():
        share = f"{run.wall / runs['duckdb'].wall:.2f}" if "duckdb" in runs else ""
        print(f"| {name} | {run.wall:.1f} | {run.cpu:.1f} | {run.peak / MB:,.0f} | {share} |")
    held = True
    print()
    for name, other, what, limit in LIMITS:
        if name in runs and other in runs:
            share = runs[name].wall / runs[other].wall
            held &= share <= limit
            print(f"{name}: {share:.2f} × the {what} time of {other}, at most {limit:.2f} is promised")
    if "roundhouse" in runs:
        held &= runs["roundhouse"].peak <= MAX_PEAK
        print(f"roundhouse: peak {runs['roundhouse'].peak / MB:,.0f} MB, at most {MAX_PEAK / MB:,.0f} is promised")
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=FULL)
    parser.add_argument("--times", type=int, default=1, help="multiply the rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CONTENDERS), help="contenders, by comma")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/roundhouse")
    parser.add_argument("--run", nargs=3, metavar=("NAME", "FILE", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        name, file, out = options.run
        CONTENDERS[name](Path(file), Path(out))
        return
    names, rows = options.only.split(","), options.rows * options.times
    if unknown := set(names) - set(CONTENDERS):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(CONTENDERS)}")
    sys.path.insert(0, str(ROOT))
    options.cache.mkdir(parents=True, exist_ok=True)
    file = catalogue(options.cache, rows, packed="roundhouse .gz" in names)
    with tempfile.TemporaryDirectory(dir=options.cache) as folder:
        rounds = []
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            rounds.append(run_round(names, file, Path(folder)))
    sys.exit(0 if print_table(rounds, rows) else "A promise does not hold.")


if __name__ == "__main__":
    main()
