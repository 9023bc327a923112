# Bellrock. `make help` lists the targets.
# PORT, DATA and ONCE are read by `make run`; PYTEST_ARGS by `make test`; JOBS and CELLS (as pytest's -k)
# by `make matrix`.

PORT ?= 3000
DATA ?= .bellrock
ONCE ?=
PYTEST_ARGS ?= -n 2 --dist loadgroup
JOBS ?= 4
CELLS ?=
VENV := .venv/bin
TYPED := $(wildcard src tests scripts bench)

.DEFAULT_GOAL := help
.PHONY: help setup run test matrix lint format bench bench-cancel bench-overhead bench-sessions bench-heartbeats bench-executors bench-schedule lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

setup: ## install everything the other targets need (seconds when nothing changed)
	@sh scripts/setup.sh

run: setup ## deploy the example shop, watch it, cancel a run, stay up (ONCE=1 exits; PORT=, DATA=)
	@PORT='$(PORT)' DATA='$(DATA)' ONCE='$(ONCE)' $(VENV)/python -m scripts.main_job

lint: setup ## ruff, mypy and the import contracts
	@$(VENV)/ruff check --quiet .
	@$(VENV)/ruff format --quiet --check .
	@$(VENV)/mypy --no-error-summary $(TYPED)
	@$(VENV)/lint-imports --no-logo

test: lint ## lint and the whole test suite
	@$(VENV)/pytest $(PYTEST_ARGS)

matrix: setup ## every fault at every part in every stage; writes docs/reliability.md (JOBS=, CELLS=)
	@MATRIX=whole $(VENV)/pytest tests/system/matrix -n $(JOBS) -k '$(CELLS)' --junitxml=.matrix.xml; status=$$?; \
		$(VENV)/python -m tests.system.matrix.table .matrix.xml && rm .matrix.xml && exit $$status

bench: bench-cancel bench-overhead bench-sessions bench-heartbeats bench-schedule ## measure everything (docs/benchmarks.md), half an hour

bench-cancel: setup ## measure how long cancelling takes
	@$(VENV)/python -m bench.cancel

bench-overhead: setup ## measure a suite through Bellrock beside the bare suite
	@$(VENV)/python -m bench.overhead

bench-sessions: setup ## measure what the control plane bears
	@$(VENV)/python -m bench.sessions

bench-heartbeats: setup ## measure how many pings the control plane takes
	@$(VENV)/python -m bench.heartbeats

bench-executors: setup ## measure what a check costs, beside prometheus-blackbox-exporter
	@$(VENV)/python -m bench.executors

bench-schedule: setup ## measure 10,000 monitors by the clock
	@$(VENV)/python -m bench.schedule

format: setup ## let ruff format and fix
	@$(VENV)/ruff format .
	@$(VENV)/ruff check --fix .

lock: setup ## resolve the lock files anew from pyproject.toml
	@sh scripts/lock.sh

clean: ## remove what the other targets made, the data of `make run` included
	@rm -rf .venv .tools .bellrock build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@rm -rf examples/shop/node_modules examples/shop/test-results examples/shop/playwright-report bench/slow-suite/node_modules
