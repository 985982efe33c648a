# Everything runs in .venv, made from the lock file; nothing but Python 3.11+ (with venv) and make is needed.
PYTHON ?= python3
VENV := .venv
NEWEST := .venv-newest
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT ?= build

.PHONY: demo test test-apprise-newest newest-lock bench bench-short chaos chaos-short fuzz check lint types contracts format lock clean

demo: $(STAMP)  ## Run the daemon on a simulated Bedrock and show the alerts (half a minute, needs nothing)
	$(BIN)/bedrock-watch demo

test: $(STAMP)  ## Run all tests, four files at a time: most of them wait for a program (four minutes)
	$(BIN)/python -m pytest -n 4 --dist loadfile -rs

bench: $(STAMP)  ## Measure what it costs beside what people use today (five minutes; writes build/bench.json, build/cost.svg)
	cd tests && ../$(BIN)/python -m bench --out "$(abspath $(OUT))"

bench-short: $(STAMP)  ## The same in about a minute, with fewer and smaller rounds
	cd tests && ../$(BIN)/python -m bench --short --out "$(abspath $(OUT))"

chaos: $(STAMP)  ## Kill the daemon 200 times and more, break everything around it, and judge what was told: a quarter of an hour
	PYTHONPATH=tests $(BIN)/python -m chaos $(CHAOS)

chaos-short: $(STAMP)  ## The same with 20 kills: about two minutes
	PYTHONPATH=tests $(BIN)/python -m chaos --short $(CHAOS)

fuzz: $(STAMP)  ## Bad input, a hundred times as much of it as the tests have, and other each time: a quarter of an hour
	FUZZ_EXAMPLES=2500 $(BIN)/python -m pytest --hypothesis-profile=default tests/test_fuzz_*.py

check: lint types contracts  ## Run the static checks

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The release of Apprise that the lock has, and the service: the oldest in the range of pyproject.toml.  The tests of the
# channels run on the newest, too.
APPRISE := apprise==2.2.*

lock: $(STAMP)  ## Write the lock files again from pyproject.toml: names, versions, hashes, no index
	echo '$(APPRISE)' | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
		--no-header --all-extras --upgrade --constraint - pyproject.toml -o requirements.lock
	$(MAKE) service-lock newest-lock receivers-lock

newest-lock: $(STAMP)  ## Write requirements-newest.lock: requirements.lock, but with the newest Apprise in the range
	cp requirements.lock requirements-newest.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--all-extras --upgrade-package apprise pyproject.toml -o requirements-newest.lock

test-apprise-newest: $(STAMP)  ## Run the tests of the channels on the newest Apprise, in a virtual environment of its own
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(NEWEST)
	$(BIN)/uv pip sync --quiet --require-hashes --python $(NEWEST)/bin/python requirements-newest.lock
	$(BIN)/uv pip install --quiet --python $(NEWEST)/bin/python --no-deps --no-build-isolation --editable .
	$(NEWEST)/bin/python -c 'import apprise; print("Apprise", apprise.__version__)'
	$(NEWEST)/bin/python -m pytest -n 4 --dist loadfile -rs tests/test_channels_*.py \
		tests/test_cli_channel.py tests/test_cli_preview.py tests/test_deliver.py tests/test_golden.py

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bedrock-watch needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

clean:  ## Remove what the other commands leave here and in the user's cache; name what they installed on this machine
	$(PYTHON) tests/systemd/machine.py clean
	rm -rf $(VENV) $(NEWEST) build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache .pytest_cache

# The service (deploy/systemd).
.PHONY: test-systemd test-receivers receivers-lock service-lock wheelhouse
WHEELHOUSE ?= dist/wheelhouse
FOR ?= $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

test-systemd: $(STAMP)  ## Test the service on a real systemd, in a container (root; asks before it installs packages)
	$(BIN)/python tests/systemd/run.py

test-receivers: $(STAMP)  ## Test the channels on real servers, in a container (root; asks before it installs packages)
	$(BIN)/python tests/receivers/start.py

receivers-lock: $(STAMP)  ## Write the lock of Synapse, which only test-receivers installs
	echo matrix-synapse | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --upgrade - -o tests/receivers/synapse.lock

service-lock: $(STAMP)  ## Write what of the lock the installed service needs, and what builds it: no extras
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--constraint requirements.lock pyproject.toml -o deploy/systemd/requirements.lock
	echo hatchling | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --constraint requirements.lock - -o deploy/systemd/build.lock

wheelhouse: $(STAMP)  ## Gather what install.sh needs on a machine without a network that has Python $(FOR)
	rm -rf $(WHEELHOUSE)/systemd $(WHEELHOUSE)/*.whl
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
		--python-version $(FOR) --dest $(WHEELHOUSE) --requirement deploy/systemd/requirements.lock
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir $(WHEELHOUSE) .
	cp -R deploy/systemd $(WHEELHOUSE)/systemd
