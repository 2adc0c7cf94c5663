"""Finishing an ingest: finished files move to their places, the manifest last."""

import os
import shutil
from pathlib import Path

from data_lake.dataset import DatasetManifest, write_manifest
from data_lake.layout import Lake
from tasks.work_files import flush


def staged_in(folder: Path) -> Lake:
    """Where a delivery's finished files wait below its folder of work, laid out as they will be in the lake."""
    return Lake(folder / "staged")


def commit(lake: Lake, staged: Lake, manifest: DatasetManifest) -> None:
    """Makes staged files the lake's. Once the staged manifest is written, `finish_commits` carries it through."""
    for path in _files(staged):
        flush(path)
    write_manifest(staged, manifest)
    _carry_through(lake, staged)


def finish_commits(lake: Lake) -> None:
    """Carries through a commit that a killed run had begun."""
    for folder in lake.work.glob("ingest-*/*"):
        if staged_in(folder).manifest.exists():
            _carry_through(lake, staged_in(folder))


def _carry_through(lake: Lake, staged: Lake) -> None:
    files = [path for path in _files(staged) if path != staged.manifest]
    for path in files:
        place = lake.root / path.relative_to(staged.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    for folder in (lake.data, lake.rejects, lake.dataset):
        if folder.exists():
            flush(folder)
    os.replace(staged.manifest, lake.manifest)
    flush(lake.dataset)
    clear_work(lake)


def clear_work(lake: Lake) -> None:
    """Removes all work in progress of ingests."""
    for folder in lake.work.glob("ingest-*"):
        shutil.rmtree(folder)


def _files(staged: Lake) -> list[Path]:
    return sorted(path for folder in (staged.dataset, staged.rejects) for path in folder.rglob("*") if path.is_file())
