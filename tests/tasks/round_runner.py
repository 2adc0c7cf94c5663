"""One round in a process of its own: `python round_runner.py CASE.json` writes the report beside the case."""

import json
import os
import sys
from pathlib import Path

import flows  # noqa: F401  (switches telemetry off)
from data_lake.settings import Settings
from tasks.train import Round, train_round


def main(case: Path) -> None:
    given = json.loads(case.read_text())
    os.environ.update(given["environment"])
    paths = {name: given[name] and Path(given[name]) for name in ("parent_adapter", "parent_state")}
    this = Round(Path(given["base"]), tuple(map(Path, given["shards"])), work=Path(given["work"]), **paths)
    trained = train_round(this, Settings(**given["settings"]))
    case.with_suffix(".report").write_text(trained.report.model_dump_json())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
