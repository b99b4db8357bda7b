# Set-up makes .venv (ours) and .venv-ls (Label Studio and the guard) from the locks in requirements/.
SHELL := /bin/bash
PYTHON ?= python3
UV := .venv/bin/uv
HOME_DIR ?= .discloop

.PHONY: demo test soak bench lint audit lock setup clean

setup: .venv/.ready .venv-ls/.ready

.venv/.ready: requirements/venv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "DiscLoop needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version). Name another with make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "DiscLoop needs Python's venv module (Debian: apt-get install python3-venv)" >&2; exit 2; }
	@echo "Setting up .venv (PyTorch is large: a few minutes on a first download)" >&2
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@test -x $(UV) || .venv/bin/python -m pip install --quiet "$$(grep '^uv==' requirements/venv.txt)"
	@$(UV) pip sync --quiet --compile-bytecode --python .venv/bin/python requirements/venv.txt
	@$(UV) pip install --quiet --no-deps --python .venv/bin/python --editable .
	@touch $@

.venv-ls/.ready: requirements/venv-ls.txt pyproject.toml | .venv/.ready
	@echo "Setting up .venv-ls (Label Studio and the guard)" >&2
	@test -x .venv-ls/bin/python || $(PYTHON) -m venv .venv-ls
	@$(UV) pip sync --quiet --compile-bytecode --python .venv-ls/bin/python requirements/venv-ls.txt
	@$(UV) pip install --quiet --no-deps --python .venv-ls/bin/python --editable .
	@touch $@

# make demo [DICOM=DIR] [PLAY=1] [HOME_DIR=DIR]
demo: setup
	@.venv/bin/discloop demo --home $(HOME_DIR) $(if $(DICOM),--dicom "$(DICOM)") $(if $(PLAY),--play)

test: setup
	@tests/run.sh

soak: setup
	@tests/soak.sh

bench: setup
	@.venv/bin/python -m benchmarks

lint: setup
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports
	@.venv/bin/mypy
	@.venv/bin/python -m tests.audit

# Known vulnerabilities of what the locks pin. Unlike in lint, without network this is exit 2.
audit: setup
	@.venv/bin/python -m tests.audit --must-check

# Locks hold versions only, no addresses; overrides.txt keeps one owner of cv2/.
lock:
	@for lock in "dev venv" "guard venv-ls"; do set -- $$lock; \
	  $(UV) pip compile pyproject.toml --extra $$1 --override requirements/overrides.txt --universal \
	    --python-version 3.11 --no-header --no-annotate --quiet --output-file requirements/$$2.txt; \
	  sed -i "s/ ; python_full_version < '3.14' and sys_platform == 'linux'//" requirements/$$2.txt; done

clean:
	rm -rf .venv .venv-ls .mypy_cache .ruff_cache .pytest_cache
