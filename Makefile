# One door to everything. `make` alone lists the commands.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# It fetches uv, which installs the rest in seconds. Where uv cannot (an index that only pip is
# configured for), pip does it, in minutes.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALLED := $(VENV)/.installed
# Tests wait more than they compute, so run two per core. Those marked "alone" measure.
PARALLEL := -n 4 --dist worksteal -m 'not benchmark and not soak and not alone'
# The processor is taken: threads for linear algebra would wait for it, and some do so busily.
test coverage test-fast: export OPENBLAS_NUM_THREADS = 1
# Most tests take real time, and a busy machine upsets one now and then. What failed is tried once
# more, one test after the other; a defect fails again. Both results are printed.
tested = $(BIN)/python -m pytest $(1) || { [ $$? = 1 ] \
	&& echo "make: trying what failed once more, one test at a time" \
	&& $(BIN)/python -m pytest $(1) -n 0 -x --last-failed --last-failed-no-failures none; }
# JupyterLab runs as root (in a container) only with this option.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help install report test coverage test-fast soak fuzz check format docs lab up down collector wheel trial bench clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(INSTALLED) ## make .venv and install benchlab into it

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "benchlab needs Python 3.11 or newer, $$($(PYTHON) -V) is too old: make PYTHON=python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) uv && $(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]' \
		|| $(PIP) --editable '.[dev]'
	@touch $@

report: $(INSTALLED) ## measure the bundled target and write a report
	$(BIN)/benchlab report notebooks/01_benchmark.ipynb $(OPTIONS)

test: $(INSTALLED) ## run all tests
	$(call tested,$(PARALLEL))
	$(call tested,-m 'alone and not soak')

coverage: $(INSTALLED) ## run the tests that measure no time, and require how much they reach
	$(BIN)/python -m pytest $(PARALLEL) --cov

test-fast: $(INSTALLED) ## run the tests that start no process, within a minute
	$(BIN)/python -m pytest -n 2 --dist worksteal -m unit

SOAK_MINUTES ?= 10
soak: $(INSTALLED) ## run the long version of tests that are short in make test (SOAK_MINUTES=30)
	SOAK_MINUTES=$(SOAK_MINUTES) $(BIN)/python -m pytest -m soak -s

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

wheel: $(INSTALLED) ## build the package into dist/, and check it as the index does
	rm -f dist/benchlab-*
	$(BIN)/python -m hatchling build --directory dist
	$(BIN)/twine check --strict dist/benchlab-*

trial: wheel ## install the wheel with each extra, and use it in an empty directory (EXTRAS=grpc)
	$(PYTHON) tests/wheel_trial.py dist/benchlab-*.whl $(EXTRAS)

bench: $(INSTALLED) ## measure speed and memory, beside other tools
	$(BIN)/python -m pytest -m benchmark -s tests/benchmarks

clean: ## remove what these commands made here
	rm -rf $(VENV) dist reports .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find benchlab target tests -name __pycache__ -type d -prune -exec rm -rf {} +
