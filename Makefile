# Needs Python 3.11 or newer with venv, and make. Every path is relative to this folder, so that a folder with
# spaces in its name works; each target below works alone on a fresh clone.

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$name"; break; fi; done)
IN_VENV := .venv/bin/python -m
INSTALLED := .venv/installed

# One thread each: the tests measure nothing, and small matrices are slower on many threads. No test needs the network.
TEST_ENVIRONMENT := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 HF_HUB_OFFLINE=1

.PHONY: setup demo test lint

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "error: no Python 3.11 or newer found; set one: make PYTHON=/path/to/python"; exit 1; fi
	"$(PYTHON)" -m venv .venv
	$(IN_VENV) pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $(INSTALLED)

demo: $(INSTALLED)
	.venv/bin/cavewall demo

test: $(INSTALLED)
	$(TEST_ENVIRONMENT) $(IN_VENV) pytest

lint: $(INSTALLED)
	$(IN_VENV) ruff check .
	$(IN_VENV) ruff format --check .
	$(IN_VENV) mypy
