# make demo: the main job, a whole brain; make test: the tests, make test-all: with the slow ones. All make the environment first.
PYTHON ?= python3
ENV = .venv
RUN = $(ENV)/bin

.PHONY: demo test test-all check documents derivations clean

# Compiling takes most of the tests' time: without optimisation it takes half, and what was compiled once is kept for the next run.
test test-all: export XLA_FLAGS ?= --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1
test test-all: export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.pytest_cache/jax

demo: $(ENV)/.ready
	$(RUN)/python derivations/larva_brain/run.py

test: $(ENV)/.ready
	$(RUN)/pytest -n 2 --dist loadfile -m "not slow"

test-all: $(ENV)/.ready
	$(RUN)/pytest -n 2 --dist loadfile

check: $(ENV)/.ready
	$(RUN)/ruff check .
	$(RUN)/pytest tests/test_package.py

documents: $(ENV)/.ready
	$(RUN)/python derivations/documents.py --compile out/documents

derivations: $(ENV)/.ready
	ls derivations/*/run.py | xargs -P 2 -I{} sh -c 'mkdir -p out && name=$$(basename $$(dirname {})) && $(RUN)/python {} > out/$$name.log 2>&1; status=$$?; echo "== {}"; cat out/$$name.log; exit $$status'

$(ENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("motifield needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(ENV)
	$(RUN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(ENV) .pytest_cache build dist out *.egg-info derivations/*/out
