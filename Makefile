# A fresh machine needs Python 3.11 to 3.13 with pip, and make. Everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
# Further arguments of pytest, e.g. make test PYTEST='tests/verdict --durations=10'.
PYTEST ?=
# One worker for each core. A worker takes about 1 GB, hence the limit.
WORKERS := -n auto --maxprocesses 16
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help lab test lint format bench figures

help:
	@echo "make lab     fit a Bayesian logistic regression to scikit-learn's breast cancer data"
	@echo "make test    layout, lint, one-way imports, types, tests and doctests (slow ones: .ci/run)"
	@echo "make lint    the first four of these alone"
	@echo "make format  lay the code out and mend what the linter can mend"
	@echo "make bench   side by side with the tools that people use today"
	@echo "make figures the pictures of README and docs, from the code as it is"

lab: .venv/.taut
	$(BIN)/taut fit breast-cancer

test: lint
	$(BIN)/python -m pytest $(WORKERS) -m "not slow" $(PYTEST)

lint: .venv/.taut-develop
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports
	$(BIN)/pyright

format: .venv/.taut-develop
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/.taut-bench
	set -e; for script in benchmarks/[!_]*.py; do $(BIN)/python $$script; done

figures: .venv/.taut-develop
	$(BIN)/python docs/figures.py

# One stamp for each thing installed, so that it is installed once and again only when pyproject.toml changes.
.venv/.taut: pyproject.toml | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

.venv/.taut-develop: .venv/.taut
	$(INSTALL) --group test --group lint
	@touch $@

.venv/.taut-bench: .venv/.taut
	$(INSTALL) --editable '.[bench]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit(\
	    "Taut needs Python 3.11 to 3.13 and $(PYTHON) is " + sys.version.split()[0] + "; name another: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(INSTALL) 'pip>=25.1'  # the first that knows dependency groups
