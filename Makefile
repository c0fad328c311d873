# Every chore, for people and for CI. A machine needs only Python >= 3.10 and make; `make setup` does the rest.
#
#   make demo        set up, then run the main job on the files of samples/
#   make test        set up, then run the tests (`make test ARGS="tests/media -x"` for some of them)
#   make check       formatter, linter, type checker, import contracts
#   make test-long   the tests that take minutes
#   make bench       every benchmark, each against sentence-transformers in one run
#   make docs        the documentation, as HTML in site/
#   make mini        train the built-in model anew, in build/mini: hours, and gigabytes from npm and Debian
#   make clean       remove what the above made, but for .venv

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup-stamp
DOCS_SETUP := $(VENV)/.setup-docs-stamp
ARGS ?=
MINI_WORK ?= build/mini
# Every test and benchmark uses small checkpoints made on the spot, or an installed one: nothing is fetched.
OFFLINE := HF_HUB_OFFLINE=1
# A file that begins with an underscore is shared by the benchmarks and is none itself.
BENCHES := $(sort $(filter-out bench/_%,$(wildcard bench/*.py)))

.PHONY: help setup demo check format test test-long bench docs mini clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile

setup: $(SETUP)

# Runs again only when pyproject.toml changed; pip then leaves alone what already fits.
$(SETUP): pyproject.toml models/mini/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Sensorium needs Python 3.10 or later; name one with: make PYTHON=python3.12 setup")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ./models/mini --editable '.[dev,mini]'
	@touch $@

$(DOCS_SETUP): $(SETUP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

demo: setup
	@$(OFFLINE) $(BIN)/python -m demo $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# One torch thread: on a busy machine threads that wait for each other cost more than a second one gives small models.
test: setup
	@$(OFFLINE) OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)

test-long: setup
	@$(OFFLINE) $(BIN)/python -m pytest -m long --timeout=1800 $(ARGS)

bench: setup
	@set -e; for file in $(BENCHES); do echo "== $$file"; $(OFFLINE) $(BIN)/python $$file $(ARGS); done

docs: $(DOCS_SETUP)
	$(BIN)/sphinx-build --fail-on-warning --quiet -b html docs site
	@echo "site/index.html"

# Each step leaves alone what is done, and training goes on where it was stopped.
mini: $(SETUP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[recipe]'
	$(BIN)/python -m tools.mini.data $(MINI_WORK)
	$(OFFLINE) $(BIN)/python -m tools.mini.train_image $(MINI_WORK)
	$(OFFLINE) $(BIN)/python -m tools.mini.train_audio $(MINI_WORK)
	$(OFFLINE) $(BIN)/python -m tools.mini.train_joint $(MINI_WORK)
	$(OFFLINE) $(BIN)/python -m tools.mini.assemble $(MINI_WORK)
	$(OFFLINE) $(BIN)/python -m tools.mini.evaluate $(MINI_WORK) --card
	$(OFFLINE) $(BIN)/python -m tools.mini.gap

clean:
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests demo bench tools -name __pycache__ -type d -prune -exec rm -rf {} +
