# Every target only calls tools. `make demo` and `make test` set up what they need.
PYTHON ?= python3
BIN := .venv/bin
# uv is quick; pip follows the user's own configuration where uv cannot (a company's mirror).
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python $(1) 2> .venv/uv.log \
  || $(BIN)/python -m pip install --quiet --disable-pip-version-check $(1)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
           --no-header --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast lint types format schema bench bench-serving abuse rollouts models evidence lock clean

help:            ## what can be made
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/: .*## +/\t/' | expand -t 14

setup: .venv/ready  ## the environment in .venv, from the locked requirements

.venv/ready: requirements.txt requirements-dev.txt requirements-installer.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "modelway needs Python 3.11 or newer; choose one with make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing the locked packages into .venv (up to a minute, once)" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-installer.txt
	@$(call INSTALL,--require-hashes -r requirements.txt)
	@$(call INSTALL,--require-hashes -r requirements-dev.txt)
	@$(call INSTALL,--no-deps --no-build-isolation -e .)
	@touch $@

.venv/doctor: .venv/ready
	@$(BIN)/modelway doctor --setup > $@.log || { cat $@.log; exit 1; }
	@touch $@

demo: setup      ## one spec, the real engine, an endpoint that answers
	@$(BIN)/python -m modelway.demo

test: .venv/doctor lint types  ## every test
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

test-fast: setup  ## the tiers that start no process
	@$(BIN)/python -m pytest -q tests/unit tests/components tests/contract

lint: setup      ## style, imports between packages, unused dependencies
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/deptry components > .venv/deptry.log 2>&1 || { cat .venv/deptry.log; exit 1; }
	@$(BIN)/lint-imports --no-cache > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }

types: setup     ## basedpyright, strict
	@$(BIN)/basedpyright --level error > .venv/types.log || { cat .venv/types.log; exit 1; }

format: setup    ## rewrite the sources in the house style
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

schema: setup    ## rewrite the golden schemas after a change of arguments or of pulumi_aws
	@$(BIN)/python tests/contract/write_component_schema.py
	@$(BIN)/python -m modelway.emulator.provider.sdk

bench: setup     ## measure: beside a hand-written program, rehearsals, the server beside its peers
	@$(BIN)/python tests/perf/bench.py
	@$(BIN)/python tests/perf/rehearsals.py
	@$(BIN)/python tests/perf/packaging.py
	@$(BIN)/python tests/perf/image.py
	@$(BIN)/python tests/perf/variants.py
	@$(BIN)/python tests/perf/signing.py
	@$(BIN)/python tests/perf/serving/bench.py

bench-serving: setup  ## the second half of it (about 20 minutes on a quiet machine)
	@$(BIN)/python tests/perf/serving/bench.py

abuse: setup     ## the long form of the tests of abuse of the server (hours)
	@ABUSE=full $(BIN)/python -m pytest tests/serving/abuse \
	  tests/serving/conformance/test_schema.py tests/serving/unit/repository/test_multi_model.py

rollouts: setup  ## the long tests of rollouts: the whole matrix, 10 000 random steps, 50 traces replayed
	@ROLLOUTS=full $(BIN)/python -m pytest tests/unit/rollouts \
	  tests/integration/rehearsal/test_matrix.py tests/integration/rehearsal/test_traces.py

models: setup    ## the model of the example spec
	@$(BIN)/python -c 'from modelway.demo.training import train; from pathlib import Path; \
	  train(Path("stacks/models/digits.onnx"))'

evidence: setup  ## what speaks for a release of the example: fast tests and a rehearsal
	@mkdir -p .modelway/evidence
	@$(BIN)/python -m pytest -q tests/unit tests/components tests/contract \
	  --junit-xml=.modelway/evidence/tests.xml
	@$(BIN)/modelway rehearse healthy-canary --json > .modelway/evidence/rehearsal.json

lock: setup      ## resolve both sets of dependencies anew
	@$(COMPILE) pyproject.toml --all-extras -o requirements.txt
	@$(COMPILE) serving_image/pyproject.toml --all-extras -c requirements.txt \
	  -o serving_image/requirements.txt
	@echo "onnxruntime; python_version < '3'" > .venv/without-cpu.txt
	@echo 'onnxruntime-gpu[cuda,cudnn]>=1.30,<2' | $(COMPILE) --no-annotate - \
	  serving_image/pyproject.toml --all-extras --override .venv/without-cpu.txt \
	  -c serving_image/requirements.txt -o serving_image/requirements-cuda.txt
	@$(COMPILE) --group dev serving_image/pyproject.toml --all-extras \
	  -c requirements.txt -c serving_image/requirements.txt -o requirements-dev.txt
	@echo 'uv>=0.13,<1' | $(COMPILE) - -o requirements-installer.txt

clean:           ## what was made here; the user's caches stay
	@rm -rf .venv .modelway .pytest_cache .ruff_cache .hypothesis stacks/models
