"""The same input and options give the same bytes, however the work is cut up."""

import shutil
from itertools import product

import pytest

from data_lake.data_settings import DataSettings
from data_lake.layout import Lake
from tasks.ingest import ingest
from tasks.processes import LocalProcesses


@pytest.fixture(scope="module")
def files(catalogue, tmp_path_factory):
    """The catalogue in three files, with some lines that are no rows."""
    folder = tmp_path_factory.mktemp("files")
    lines = catalogue.read_bytes().splitlines(keepends=True)
    cuts = [0, 500, 2_700, len(lines)]
    for name, start, stop in zip("abc", cuts, cuts[1:], strict=False):
        (folder / f"{name}.jsonl").write_bytes(b"no row\n" + b"".join(lines[start:stop]) + b"\xff\n\n{}\n")
    return [str(folder / f"{name}.jsonl") for name in "abc"]


@pytest.fixture(scope="module")
def expected(files, tmp_path_factory, bytes_of):
    lake = Lake(tmp_path_factory.mktemp("expected"))
    assert ingest(lake, files, DataSettings(shards=4), run_map=map).chunks == 3
    return bytes_of(lake)


@pytest.fixture(scope="module", params=[1, 2, 4])
def workers(request):
    with LocalProcesses(request.param) as run_map:
        yield run_map


@pytest.mark.parametrize(("chunk_mb", "order"), list(product([1, 2, 64], [1, -1])))
def test_workers_chunks_and_order_of_files(workers, chunk_mb, order, files, expected, lake, bytes_of):
    report = ingest(lake, files[::order], DataSettings(shards=4, chunk_mb=chunk_mb), run_map=workers)
    assert report.chunks == {1: 5, 2: 3, 64: 3}[chunk_mb]
    assert bytes_of(lake) == expected


def test_results_in_any_order_of_work(files, expected, lake, bytes_of):
    """A runner may do the items in any order, as a cluster does."""

    def backwards(function, items):
        items = list(items)
        done = {at: function(items[at]) for at in reversed(range(len(items)))}
        return [done[at] for at in range(len(items))]

    ingest(lake, files, DataSettings(shards=4, chunk_mb=1), run_map=backwards)
    assert bytes_of(lake) == expected


def test_the_same_rows_under_swapped_names(files, expected, lake, tmp_path, bytes_of):
    """Which row of equals stays depends on the rows, not on where they stand."""
    swapped = []
    for name, path in zip("cab", files, strict=True):
        swapped.append(tmp_path / f"{name}.jsonl")
        shutil.copyfile(path, swapped[-1])
    ingest(lake, [str(path) for path in swapped], DataSettings(shards=4))
    found = bytes_of(lake)
    assert {path: found[path] for path in found if "/data/" in path} == {
        path: expected[path] for path in expected if "/data/" in path
    }
