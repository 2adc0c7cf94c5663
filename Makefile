# `make` or `make help` lists what can be made.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
# Where there is no GPU: make setup TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
UNSLOTH := unsloth==2026.10.9 unsloth_zoo==2026.10.9
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench-ingest clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1 — /'

setup: $(VENV)/installed  ## make .venv with everything the product needs

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Roundhouse needs Python 3.11 and $(PYTHON) is another. Nothing was installed. Run: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(PIP) --editable .
# What Unsloth's metadata asks for beyond our own list (xformers, torchvision, Triton) only a GPU needs.
	if command -v nvidia-smi >/dev/null; then $(PIP) $(UNSLOTH); else $(PIP) --no-deps $(UNSLOTH); fi
	touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	$(PIP) --editable '.[test]'
	touch $@

demo: setup  ## run the whole main job on a made-up catalogue
	$(BIN)/roundhouse demo

lint: $(VENV)/installed-for-tests  ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint  ## run lint, type check and tests
# One file a process; with two processes on few cores, torch must not wait for threads it does not get.
	OMP_NUM_THREADS=1 $(BIN)/pytest -q --numprocesses 2 --dist loadfile

bench-ingest: setup  ## compare ingest with DuckDB, Polars, datasets and pandas at full size
	$(BIN)/python benchmarks/ingest.py

clean:  ## remove .venv and caches; lakes stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
