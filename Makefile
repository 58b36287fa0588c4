# Everything runs from .venv, which is made again only when a lock or pyproject.toml changed.

PYTHON ?= python3
BIN := .venv/bin
# The comparisons pin other versions than the product, so they have an environment of their own.
BENCH := .venv/bench
# With the hashes of all that the index has, for every platform; uv asks it for them, where pip-tools would fetch each file.
COMPILE := $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade

# A process starts for half the CPU where Python may keep what it compiled; images often forbid it.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-slow faults soak lint types insecure style docs bench lock chart clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: .venv/.installed ## Make .venv with everything that running and testing needs

.venv/.installed: requirements.lock pyproject.toml
	@echo "Making .venv; some 300 MB are downloaded once ..."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
	@touch $@

$(BENCH)/.installed: requirements-bench.lock pyproject.toml | venv
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --require-hashes -r requirements-bench.lock
	$(BENCH)/bin/pip install --quiet --no-deps -e .
	@touch $@

demo: venv ## Run the whole system on this machine (ONCE=1: one round, then stop; PORT_BASE=n)
	$(BIN)/switchboard demo $(if $(ONCE),--once) $(if $(PORT_BASE),--port-base $(PORT_BASE))

# Tests wait for brokers and sessions two thirds of their time, so two cores carry six at a time; of the slow ones, which
# freeze and kill what has sessions, four. Which tests are one worker's is said in tests/conftest.py.
test: venv ## Run the tests, but the slow ones (PYTEST="-n 2": how)
	$(BIN)/python -m pytest -m "not slow" $(or $(PYTEST),-n 6)

# Each worker imports what it is given: the files that have one.
test-slow: venv ## Run the fault and soak tests
	$(BIN)/python -m pytest -m slow $(or $(PYTEST),-n 4) $$(grep -rl --include='test_*.py' 'mark\.slow' tests)

faults: venv ## Break everything under load, and compare both ends (FAULTS=n, SEED=n, KINDS="broker clock")
	$(BIN)/python -m tests.faults --faults $(or $(FAULTS),60) $(if $(SEED),--seed $(SEED)) $(KINDS)

soak: venv ## The same for hours (MINUTES=n)
	$(BIN)/python -m tests.faults --faults 100000 --minutes $(or $(MINUTES),120) $(if $(SEED),--seed $(SEED)) $(KINDS)

lint: venv ## Check style, types, the direction of imports, and what is known to be insecure
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target types insecure style

types:
	$(BIN)/mypy

# Ruff's S rules are bandit's lesser ones.
insecure:
	$(BIN)/bandit --quiet --recursive services --severity-level medium

style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

docs: venv ## Make the pages that are made from code
	$(BIN)/python -m services.cli.pages

bench: $(BENCH)/.installed ## Measure throughput, beside other ways to build it
	$(BENCH)/bin/python -m tests.bench

lock: venv ## Resolve the lock files anew, and pin Kafka's jars
	$(BIN)/pip install --quiet uv
	$(COMPILE) --extra image --extra kafka --extra test --extra lint --output-file requirements.lock pyproject.toml
	$(COMPILE) --constraint requirements.lock --output-file requirements-image.lock pyproject.toml
	$(COMPILE) --extra image --extra kafka --extra test --extra lint --extra bench --output-file requirements-bench.lock pyproject.toml
	$(BIN)/python -m services.embedded.pin

chart: venv ## Make the chart's data from the topic registry, and the page of its values
	$(BIN)/python -m tests.helm

clean: ## Remove .venv, caches and build products
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
