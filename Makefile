# svmtrain: GNU make and Python >= 3.10 are all that must be there. `make help` lists the targets.
#
# Variables, given as in `make experiments SET="solver.epochs=5"`:
#   PYTHON   the Python that .venv is made with (python3)
#   SET      settings for every experiment, section.key=value, separated by blanks
#   CONFIG   the config of `make cv`, `make sweep` and `make curve` (configs/digits.yaml)
#   GRID     what `make sweep` tries, key=a,b,c or key=log:LOW:HIGH:N, separated by blanks
#   RUNS     the runs of `make report`, separated by blanks, or one experiment (those in runs/)
#   DATA     folders of public data for `make bench`, separated by blanks; see benchmarks/README.md
#   BENCH    further arguments for the benchmarks, such as BENCH="--only epoch --repeats 5"
#   ARGS     further arguments for pytest, such as ARGS="-k resume"; for `make fuzz`, the targets;
#            for `make cv`, `sweep`, `curve` and `report`, such as ARGS="--halving --jobs 4"
#   SECONDS  how long `make fuzz` is at each target (60)

PYTHON ?= python3
SET ?=
CONFIG ?= configs/digits.yaml
GRID ?= objective.lambda=log:1e-3:1:4
RUNS ?= $(patsubst %/run.json,%,$(wildcard runs/*/run.json))
DATA ?=
BENCH ?=
ARGS ?=
SECONDS ?= 60

SVMTRAIN := .venv/bin/svmtrain
MAKEFLAGS += --no-builtin-rules --no-print-directory

EXPERIMENTS := $(sort $(patsubst configs/experiments/%.yaml,%,$(wildcard configs/experiments/*.yaml)))
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
MADE := .venv/.experiments
SETTINGS := $(foreach one,$(SET),--set '$(one)')

# The stamps say that an install was finished, and for which folder. Without one, .venv is made
# anew: it was never finished, or its Python is gone, or it was copied from elsewhere and would
# run the code there.
USER_STAMP := .venv/.installed
DEV_STAMP := .venv/.installed-dev
BENCH_STAMP := .venv/.installed-bench
FUZZ_STAMP := .venv/.installed-fuzz
PLOT_STAMP := .venv/.installed-plot
$(shell test -x .venv/bin/python && test "$$(cat $(USER_STAMP) 2>&1)" = "$$(pwd -P)" \
	|| rm -f $(USER_STAMP) $(DEV_STAMP) $(BENCH_STAMP) $(FUZZ_STAMP) $(PLOT_STAMP))

# One make never installs twice, so that its targets may run side by side.
READY := $(if $(filter test check torture format docs,$(MAKECMDGOALS)),$(DEV_STAMP),$(USER_STAMP))

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(READY) ## Train on the digits, evaluate on held-out rows, show where the results are
	@$(SVMTRAIN) fit configs/digits.yaml --name digits --out runs --if-changed
	@echo
	@echo "On the rows that were held out:"
	@$(SVMTRAIN) evaluate runs/digits --split test
	@echo
	@echo "The results are in runs/digits: model.npz is the model, metrics.jsonl has a line an"
	@echo "epoch, config.yaml is the config with every key. To label other rows:"
	@echo "  $(SVMTRAIN) predict runs/digits/model.npz FILE"
	@echo "A page to look at, runs/digits/report.html:"
	@echo "  make report RUNS=runs/digits"

.PHONY: test
test: $(DEV_STAMP) ## Run the tests
	@.venv/bin/python -m pytest -q -n auto --maxprocesses=4 $(ARGS)

.PHONY: torture
torture: $(DEV_STAMP) ## Run the tests in full, and print what they reached (half an hour)
	@SVMTRAIN_TORTURE=1 .venv/bin/python -m pytest -q -n auto --maxprocesses=4 --dist=worksteal \
		$(ARGS)

.PHONY: fuzz
fuzz: $(FUZZ_STAMP) ## Fuzz the parsers, guided by coverage (SECONDS=, ARGS="csv npz")
	@.venv/bin/python -m tests.fuzz.run $(ARGS) --seconds $(SECONDS)

.PHONY: check
check: $(DEV_STAMP) ## Check format, lint and types, then run the tests
	@.venv/bin/ruff format --check --quiet . || { echo "not formatted: try make format"; exit 1; }
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy
	@.venv/bin/python -m pytest -q -n auto --maxprocesses=4 $(ARGS)

.PHONY: format
format: $(DEV_STAMP) ## Format the code and mend what the linter can
	@.venv/bin/ruff check --fix --quiet --exit-zero .
	@.venv/bin/ruff format .

.PHONY: experiments
experiments: $(READY) ## Train configs/experiments/*.yaml where changed, compare them (-j2, SET=)
	@for file in $(firstword $(EXPERIMENTS)); do \
		$(SVMTRAIN) config show configs/experiments/$$file.yaml $(SETTINGS) >/dev/null; done
	@rm -rf $(MADE) && mkdir $(MADE)
	@$(MAKE) -k $(SYNC) $(EXPERIMENTS:%=experiment/%) || true
	@set --; for name in $(EXPERIMENTS); do \
		test ! -e runs/$$name/run.json && test ! -e runs/$$name/path.json || set -- "$$@" runs/$$name; \
	done; test $$# -eq 0 || { echo; $(SVMTRAIN) runs compare "$$@"; }
	@failed=; for name in $(EXPERIMENTS); do \
		test -e $(MADE)/$$name || failed="$$failed $$name"; \
	done; test -z "$$failed" || { echo; echo "failed:$$failed"; exit 1; } >&2

.PHONY: $(EXPERIMENTS:%=experiment/%)
$(EXPERIMENTS:%=experiment/%): experiment/%: configs/experiments/%.yaml $(READY)
	@$(SVMTRAIN) fit $< --name $* --out runs --if-changed $(SETTINGS) -q
	@mkdir -p $(MADE) && touch $(MADE)/$*

.PHONY: cv
cv: $(READY) ## Cross-validate CONFIG into experiments/ (CONFIG=, SET=, ARGS="--folds 10")
	@$(SVMTRAIN) cv '$(CONFIG)' $(SETTINGS) $(ARGS)

.PHONY: sweep
sweep: $(READY) ## Try the settings of GRID into experiments/, rank them (CONFIG=, GRID=, SET=)
	@$(SVMTRAIN) sweep '$(CONFIG)' $(foreach one,$(GRID),--grid '$(one)') $(SETTINGS) $(ARGS)

.PHONY: curve
curve: $(READY) ## Accuracy against rows, and what it advises, into experiments/ (CONFIG=, SET=)
	@$(SVMTRAIN) learning-curve '$(CONFIG)' $(SETTINGS) $(ARGS)

.PHONY: report
report: $(PLOT_STAMP) ## Write a page about RUNS, which are those in runs/ (RUNS=experiments/NAME)
	@test -n '$(strip $(RUNS))' || { echo "no runs in runs/: try make demo, or give RUNS=" >&2; exit 2; }
	@$(SVMTRAIN) report $(foreach one,$(RUNS),'$(one)') $(ARGS)

.PHONY: docs
docs: $(DEV_STAMP) ## Build the pages of docs/ into build/docs, and draw their circuits
	@.venv/bin/python docs/make_pictures.py
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --quiet
	@echo "The pages are in build/docs: open build/docs/index.html, or, for its search,"
	@echo "  .venv/bin/python -m http.server --bind 127.0.0.1 --directory build/docs"

.PHONY: bench
bench: $(BENCH_STAMP) ## Measure beside the peers into benchmarks/results (DATA=, BENCH=)
	@.venv/bin/python -m benchmarks.bench $(DATA:%=--data '%') $(BENCH)

.PHONY: bench-quick
bench-quick: $(BENCH_STAMP) ## The same in a minute, on data/ and made data
	@.venv/bin/python -m benchmarks.bench --quick $(BENCH)

.PHONY: clean
clean: ## Remove .venv, builds and caches; runs/ stays
	rm -rf .venv build dist svmtrain.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(USER_STAMP): pyproject.toml
	$(call install,.)
	@pwd -P > $(USER_STAMP)

$(DEV_STAMP): pyproject.toml
	$(call install,.[dev])
	@pwd -P > $(USER_STAMP) && pwd -P > $(DEV_STAMP)

# Beside what is installed already, in whichever way that was.
$(BENCH_STAMP): $(READY)
	@echo "Installing the peers into .venv"
	@.venv/bin/python -m pip install -qq --disable-pip-version-check \
		--config-settings editable_mode=compat -e '.[bench]'
	@pwd -P > $(BENCH_STAMP)

$(PLOT_STAMP): $(READY)
	@echo "Installing what draws into .venv"
	@.venv/bin/python -m pip install -qq --disable-pip-version-check \
		--config-settings editable_mode=compat -e '.[plot]'
	@pwd -P > $(PLOT_STAMP)

$(FUZZ_STAMP): $(DEV_STAMP)
	@echo "Installing atheris into .venv"
	@.venv/bin/python -m pip install -qq --disable-pip-version-check \
		--config-settings editable_mode=compat -e '.[fuzz]'
	@pwd -P > $(FUZZ_STAMP)

define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	|| { echo "$(PYTHON) is not Python 3.10 or newer; try make PYTHON=python3.12" >&2; exit 1; }
@test -e $(USER_STAMP) || { echo "Making .venv"; $(PYTHON) -m venv --clear .venv; }
@rm -f $(USER_STAMP) $(DEV_STAMP)
@echo "Installing svmtrain into .venv"
@.venv/bin/python -m pip install -qq --disable-pip-version-check \
	--config-settings editable_mode=compat -e '$(1)'
endef
