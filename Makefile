# Everything runs from .venv, which is made again only when a lock or pyproject.toml changed.

PYTHON ?= python3
BIN := .venv/bin
# The comparisons pin other versions than the product, so they have an environment of their own.
BENCH := .venv/bench
COMPILE := $(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# Most tests wait for brokers and sessions, so two at a time take half as long; a file keeps its broker.
PYTEST ?= -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-slow faults soak lint bench lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: .venv/.installed ## Make .venv with everything that running and testing needs

.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
	@touch $@

$(BENCH)/.installed: requirements-bench.lock pyproject.toml | venv
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet -r requirements-bench.lock
	$(BENCH)/bin/pip install --quiet --no-deps -e .
	@touch $@

demo: venv ## Run the whole system on this machine (ONCE=1: one round, then stop; PORT_BASE=n)
	$(BIN)/switchboard demo $(if $(ONCE),--once) $(if $(PORT_BASE),--port-base $(PORT_BASE))

test: venv ## Run the tests, but the slow ones
	$(BIN)/python -m pytest -m "not slow" $(PYTEST)

test-slow: venv ## Run the fault and soak tests
	$(BIN)/python -m pytest -m slow $(PYTEST)

faults: venv ## Break everything under load, and compare both ends (FAULTS=n, SEED=n, KINDS="broker clock")
	$(BIN)/python -m tests.faults --faults $(or $(FAULTS),60) $(if $(SEED),--seed $(SEED)) $(KINDS)

soak: venv ## The same for hours (MINUTES=n)
	$(BIN)/python -m tests.faults --faults 100000 --minutes $(or $(MINUTES),120) $(if $(SEED),--seed $(SEED)) $(KINDS)

lint: venv ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BENCH)/.installed ## Measure throughput, beside other ways to build it
	$(BENCH)/bin/python -m tests.bench

lock: venv ## Resolve both lock files anew
	$(BIN)/pip install --quiet pip-tools
	$(COMPILE) --upgrade --extra test --extra lint --output-file requirements.lock pyproject.toml
	$(COMPILE) --upgrade --extra test --extra lint --extra bench --output-file requirements-bench.lock pyproject.toml

clean: ## Remove .venv, caches and build products
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
