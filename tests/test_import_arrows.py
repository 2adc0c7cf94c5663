"""The folders import each other only along the arrows of the architecture."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = {"data_lake", "tasks", "flows", "ui", "infra", "tests"}
ALLOWED = {
    "data_lake": set(),
    "tasks": {"data_lake"},
    "flows": {"tasks", "data_lake"},
    "ui": {"tasks", "data_lake"},
    "infra": set(),
}
# A heavy library is imported by the folders that are named for it, and nowhere else.
ONLY_IN = {"prefect": {"flows"}, "gradio": {"ui"}, "torch": {"tasks"}, "unsloth": {"tasks"}, "trl": {"tasks"}}


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_only_what_it_may(folder: str) -> None:
    assert files(folder)
    wrong = {
        str(path.relative_to(ROOT)): sorted(others)
        for path in files(folder)
        if (others := imports(path) & HOUSE - ALLOWED[folder] - {folder})
    }
    assert wrong == {}


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_heavy_library_stays_in_its_folder(library: str) -> None:
    users = {folder for folder in ALLOWED for path in files(folder) if library in imports(path)}
    assert users == ONLY_IN[library]


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for folder in [*ALLOWED, "tests", "benchmarks"]
        for path in files(folder)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
