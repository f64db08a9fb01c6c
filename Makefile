# A fresh machine needs Python 3.11 to 3.13 with pip, and make. Everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help lab test lint bench

help:
	@echo "make lab     fit a Bayesian logistic regression to scikit-learn's breast cancer data"
	@echo "make test    lint, types, one-way imports, tests and doctests (slow ones: .ci/run)"
	@echo "make lint    the first three of these alone"
	@echo "make bench   side by side with the tools that people use today"

lab: .venv/.taut
	$(BIN)/taut fit breast-cancer

test: lint
	$(BIN)/python -m pytest -n 2 -m "not slow"

lint: .venv/.taut-develop
	$(BIN)/ruff check
	$(BIN)/lint-imports
	$(BIN)/pyright

bench: .venv/.taut-bench
	set -e; for script in benchmarks/[!_]*.py; do $(BIN)/python $$script; done

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
