.PHONY: demo test check venv browser lock docs wheel screenshots
PYTHON ?= python3
BIN := .venv/bin

venv: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

demo: venv
	$(BIN)/tracker demo $(DEMO)

test: venv browser
	$(BIN)/pytest -n auto

# A Chromium for the tests of the pages: the system's, else Debian's package, else playwright's own.
browser: venv
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
	{ apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium; } || \
	$(BIN)/playwright install chromium

check: venv browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto

# The documentation as a site, in site/; a dead link ends it.
docs: venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[docs]'
	$(BIN)/tracker config-docs
	$(BIN)/tracker command-docs
	$(BIN)/tracker carrier-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The package, in dist/.
wheel: venv
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

# Pictures of every page into docs/images, by a headless Chromium.
screenshots: venv
	$(BIN)/python -m tests.browser.screenshots

# The exact versions of everything, from the ranges in pyproject.toml.
lock:
	$(PYTHON) -m venv .venv && $(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --universal --extra dev pyproject.toml -o requirements.lock
