# Every verb installs what it needs into .venv and can be run again at any time.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test fuzz coverage check fix bench models peers docs test-heavy clean

demo: .venv/demo ## real data -> a live, documented, monitored API on 127.0.0.1:8080
	$(BIN)/golive up examples/house_prices --detach

test: .venv/test ## the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not heavy" --numprocesses 2 --dist loadfile --no-loadscope-reorder

fuzz: .venv/test ## every parser against three hundred times as many hostile inputs as make test; an hour
	GOLIVE_FUZZ=long $(BIN)/python -m pytest tests/fuzz --numprocesses 2

coverage: .venv/test ## the fast tests, with the lines and branches that none of them reaches
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/unit tests/contract -m "not heavy" --numprocesses 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

check: .venv/test ## style, types, layers; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fix: .venv/test ## let the tools mend what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/test ## measure speed and memory; writes benchmarks/results
	$(BIN)/python -m benchmarks

models: .venv/heavy ## try every kind of model and write docs/models.md; a quarter of an hour
	OMP_NUM_THREADS=1 KERAS_BACKEND=torch $(BIN)/python -m benchmarks.models

peers: .venv/test ## compare with other model servers, each in an environment of its own; 5 GB, half an hour
	$(BIN)/python -m benchmarks peers

docs: .venv/test ## regenerate what is generated, and run every code block
	$(BIN)/golive schema > docs/golive.schema.json
	$(BIN)/golive schema --of evidence > docs/evidence.schema.json
	$(BIN)/python -m pytest tests/docs

test-heavy: .venv/heavy ## tests that need a container engine, a browser or big libraries
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m heavy --numprocesses 2 --dist loadfile --no-loadscope-reorder

clean: ## remove what the other verbs made
	-[ ! -x $(BIN)/golive ] || $(BIN)/golive down examples/house_prices
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage* htmlcov dist
	find . -name .golive -type d -prune -exec rm -rf {} +

.venv/pip:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

.venv/demo: .venv/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[examples]'
	touch $@

.venv/test: .venv/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@ .venv/demo

.venv/heavy: .venv/test pyproject.toml
	# First and pinned: others would bring a build of gigabytes.
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[heavy]'
	touch $@
