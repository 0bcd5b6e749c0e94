# make demo: the main job, a whole brain; make docs: the site, with all its examples; make test: the tests; make test-all: with the slow ones; make test-share: the share of the slow
# ones that is due today. All make the environment first.
PYTHON ?= python3
ENV = .venv
RUN = $(ENV)/bin
TESTS = test test-all test-share

.PHONY: demo docs $(TESTS) check documents derivations quick-derivations clean

# Compiling takes most of the tests' time: without optimisation it takes half. What was compiled once is kept, for the next run and for
# the other worker, however quick it was.
$(TESTS): export XLA_FLAGS ?= --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1
# Two workers fill two cores: threads of their matrix products only wait for one another, up to twenty times as long as the products take.
$(TESTS): export OPENBLAS_NUM_THREADS ?= 1
# Where in the source an operation comes from is not asked for.
$(TESTS): export JAX_TRACEBACK_IN_LOCATIONS_LIMIT ?= 0
$(TESTS): export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.pytest_cache/jax
$(TESTS): export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0
$(TESTS): export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES ?= -1

# What is left at the end goes to the worker that has nothing to do; until then each keeps the files that it began, and their fixtures.
PYTEST = $(RUN)/pytest -n 2 --dist worksteal

# Of the slow tests this part runs in .ci/run, another every day.
SHARE ?= 1/32

demo: $(ENV)/.ready
	$(RUN)/python derivations/larva_brain/run.py

test: $(ENV)/.ready
	$(PYTEST) -m "not slow"

test-share: $(ENV)/.ready
	$(PYTEST) -m slow --slow-share=$(SHARE)

test-all: $(ENV)/.ready
	$(PYTEST)

check: $(ENV)/.ready
	$(RUN)/ruff check .
	$(RUN)/pytest tests/test_package.py

# Into site/. What compiled once is kept; messages about which machine it was compiled for are not for the reader of a page.
docs: export XLA_FLAGS ?= --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1
docs: export OPENBLAS_NUM_THREADS ?= 1
docs: export JAX_TRACEBACK_IN_LOCATIONS_LIMIT ?= 0
docs: export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.cache/jax
docs: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0
docs: export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES ?= -1
docs: export TF_CPP_MIN_LOG_LEVEL ?= 3
docs: export NO_MKDOCS_2_WARNING ?= 1
docs: $(ENV)/.ready-docs
	$(RUN)/mkdocs build

documents: $(ENV)/.ready
	$(RUN)/python derivations/documents.py --compile out/documents

# Each script of a list, two at a time, with what it prints when it has ended.
EACH = xargs -P 2 -I{} sh -c 'mkdir -p out && name=$$(basename $$(dirname {})) && $(RUN)/python {} > out/$$name.log 2>&1; status=$$?; echo "== {}"; cat out/$$name.log; exit $$status'

derivations: $(ENV)/.ready
	ls derivations/*/run.py | $(EACH)

# Those that take a few minutes at most.
QUICK = adaptation_and_synapses ei_heterogeneous_chains larva_brain larva_mushroom_body low_rank_and_motifs noise_and_thresholds one_population sparse_strong_chains two_areas

quick-derivations: $(ENV)/.ready
	printf '%s\n' $(QUICK:%=derivations/%/run.py) | $(EACH)

$(ENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("motifield needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(ENV)
	$(RUN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

$(ENV)/.ready-docs: $(ENV)/.ready
	$(RUN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

clean:
	rm -rf $(ENV) .pytest_cache .cache site build dist out *.egg-info derivations/*/out
