PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo demo-serve test test-slow check fix bench docs champion clean .typecheck

demo: $(VENV)/.demo  ## set up what prediction needs, and route real tasks
	$(BIN)/tierwise demo

demo-serve: .demo-serve.db  ## the service on a log of simulated work; prints its address
	$(BIN)/tierwise serve --log .demo-serve.db

.demo-serve.db: | $(VENV)/.serve
	$(BIN)/tierwise log demo --log $@ --until-now

test: $(VENV)/.dev check  ## set up everything, and run the whole suite but the slow part
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

check: $(VENV)/.dev .typecheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m docs.generate --check

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev  ## write the generated pages anew
	$(BIN)/python -m docs.generate

bench: $(VENV)/.dev  ## the budgets, as ratios in one run; nothing else should run meanwhile
	$(BIN)/python -m benchmarks.budgets
	$(BIN)/python -m benchmarks.serve

champion: $(VENV)/.dev  ## distil the encoder, fit the seed tasks, write data/champion
	$(BIN)/python -m tierwise.training.seeds.champion

clean:
	rm -rf $(VENV) .demo-serve.db* .typecheck build dist *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.serve: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e '.[serve]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e '.[train,encoders,dev]'
	@touch $@ $(VENV)/.demo $(VENV)/.serve

# mypy sees the packages where they are installed, not where they stand
.typecheck:
	rm -rf $@ && mkdir -p $@/tierwise
	cd $@/tierwise && ln -sfn ../../classifier ../../router ../../training ../../data ../../tierwise/* .
