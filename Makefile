# Two commands: `make demo` walks the whole workflow on a simulated cohort, `make test` tests it.
# Both first set up the environment in $(VENV), which takes some minutes and 7 GB once.

PYTHON ?= python3.11
VENV ?= .venv
CORES ?= $(shell nproc)
# Jobs that train at a time: one a GPU; without a GPU they train on the cores.
GPUS ?= $(shell nvidia-smi -L 2>/dev/null | grep -c . | sed 's/^0$$/$(CORES)/')

BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) --resources gpu=$(GPUS) --quiet rules host

.PHONY: demo test test-cluster bench bench-scale lint docs clean

demo: $(VENV)/installed
	$(SNAKEMAKE)
	$(BIN)/snakemake --quiet all --report report.html
	@echo "The report is in report.html; open it in a browser. To send it: $(BIN)/snakemake --report report.zip"

# The stages' tests in parallel; then those that run the workflow, which uses the cores itself.
test: $(VENV)/installed
	$(BIN)/python -m pytest -n $(CORES) --ignore tests/workflow --ignore tests/cluster
	$(BIN)/python -m pytest tests/workflow

# The smallest study, a rerun and faults on a real Slurm on this machine; needs root on Debian. Stops what it started.
test-cluster: $(VENV)/installed
	$(BIN)/python -m pytest tests/cluster

# Imaging beside the published recipe, 10 to 15 minutes on one core (see tests/bench/imaging.py for ARGUMENTS), training
# beside the published loop, 6 minutes, and how many reports are read in a second.
bench: $(VENV)/installed
	$(BIN)/python tests/bench/imaging.py $(ARGUMENTS)
	$(BIN)/python tests/bench/training.py
	PYTHONPATH=workflow/src $(BIN)/python tests/bench/labels.py

# How long Snakemake plans for 2,500 patients, in processor seconds; a quarter of an hour.
bench-scale: $(VENV)/installed
	$(BIN)/python tests/bench/scale.py

lint: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

docs: $(VENV)/installed
	PYTHONPATH=workflow/src $(BIN)/python -m gliodelta.docs config/README.md

clean:
	rm -rf results logs benchmarks scratch report.html report.zip

# Bytecode is compiled once here: a workflow starts hundreds of short jobs, and each would compile it again.
$(VENV)/installed: envs/requirements.lock.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps -r envs/requirements.lock.txt
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib || true
	touch $@
