# SPDX-License-Identifier: LGPL-3.0-or-later
# Each target does its own set-up; `make demo` and `make test` are all that a new machine needs.
SHELL := /bin/sh
BIN := .venv/bin
# one stamp per place: a copied folder makes its own environment
STAMP := .venv/.ready-$(shell pwd | cksum | cut -d' ' -f1)
# nproc would answer with OMP_NUM_THREADS
CORES := $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
# processes that run tests; files of tests stay together, those with slow tests come first (tests/conftest.py)
WORKERS := $(shell [ $(CORES) -lt 4 ] && echo $(CORES) || echo 4)
MPIEXEC := $(if $(filter-out 1,$(CORES)),$(BIN)/mpiexec -n 2)
export OMP_NUM_THREADS ?= 1

.PHONY: help demo test lint format docs schema env clean
help:
	@echo 'make demo    a 3-D bone infection on 2 cores, then its pictures: results/osteomyelitis'
	@echo 'make test    linters, type checker and the whole test suite'
	@echo 'make lint    linters and type checker alone;  make format  mends the layout of the code'
	@echo 'make schema  docs/case.schema.json anew, after a change of the keys of a case'
	@echo 'make docs    the documentation as web pages: build/docs/index.html'
	@echo 'make env     only the environment .venv (PYTHON=... chooses the interpreter)'
	@echo 'make clean   removes what the other targets made, results/ included'

demo: $(STAMP)
	$(MPIEXEC) $(BIN)/osteofield run cases/osteomyelitis.toml --overwrite
	$(BIN)/osteofield plot results/osteomyelitis

test: lint
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

lint: $(STAMP)
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy --no-error-summary

schema: $(STAMP)
	$(BIN)/python -m osteofield.case.schema .

format: $(STAMP)
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .

docs: $(STAMP)
	$(BIN)/python -m mkdocs build --strict --quiet --clean
	@echo 'open build/docs/index.html'

env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt hatch_build.py tools/environment.sh
	@tools/environment.sh
	@touch $@

clean:
	rm -rf .venv build dist results .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find solver tests -name __pycache__ -type d -exec rm -rf {} +
