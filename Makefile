# One door to everything. `make` alone lists the commands.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Tests wait more than they compute, so run two per core. Those marked "alone" measure.
PARALLEL := -n 4 --dist worksteal
# JupyterLab runs as root (in a container) only with this option.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help install report test test-fast soak fuzz check format docs lab up down collector wheel bench clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(INSTALLED) ## make .venv and install benchlab into it

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "benchlab needs Python 3.11 or newer, $$($(PYTHON) -V) is too old: make PYTHON=python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

report: $(INSTALLED) ## measure the bundled target and write a report
	$(BIN)/benchlab report notebooks/01_benchmark.ipynb

test: $(INSTALLED) ## run all tests
	$(BIN)/python -m pytest $(PARALLEL) -m 'not benchmark and not soak and not alone' --cov
	$(BIN)/python -m pytest -m 'alone and not benchmark'

test-fast: $(INSTALLED) ## run the tests that start no process, within a minute
	$(BIN)/python -m pytest -n 2 --dist worksteal -m unit

soak: $(INSTALLED) ## run the long version of tests that are short in make test
	$(BIN)/python -m pytest -m soak

MINUTES ?= 5
fuzz: $(INSTALLED) ## drive what reads foreign bytes with damaged input (MINUTES=30)
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

check: $(INSTALLED) ## lint, spelling, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED) ## fix what can be fixed, and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED) ## build the documentation as a site into dist/site
	$(BIN)/properdocs build --config-file docs/site/properdocs.yml

lab: $(INSTALLED) ## open JupyterLab on the notebooks
	$(BIN)/jupyter lab --ip 127.0.0.1 $(AS_ROOT) notebooks

up: ## start the whole stack (needs Docker)
	docker compose up --build --detach --wait

down: ## stop the stack; the data stays
	docker compose down

collector: ## build the stack's Collector from Go modules, and print where it is
	@$(PYTHON) otel/build_collector.py

wheel: $(INSTALLED) ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

bench: $(INSTALLED) ## measure speed and memory, beside other tools
	$(BIN)/python -m pytest -m benchmark -s tests/benchmarks

clean: ## remove what these commands made here
	rm -rf $(VENV) dist reports .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find benchlab target tests -name __pycache__ -type d -prune -exec rm -rf {} +
