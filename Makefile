# The README's two commands: `make run` and `make test`. Each sets up all that it needs, and is quick the second time.
PYTHON ?= python3
WORKERS ?= 3
CHAOS_WORKERS ?= 3
UV_VERSION := 0.13.9
READY := .venv/.ready

.PHONY: setup run test chaos bench lint format lock engine browser clean

setup: $(READY)

# Where PYTHONDONTWRITEBYTECODE is set, as in many CI images, each of a run's six interpreters would compile all that it
# imports, each time: twice the processor time of a run. So it is compiled once.
# The lock decides every version; `uv` itself is in it, pip only fetches the first copy.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: Python 3.11 or newer is needed; hint: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@test -x .venv/bin/uv || .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps -e .
	@.venv/bin/python -m compileall -q -j 0 .venv/lib harness >/dev/null || true
	@touch $(READY)

engine: $(READY)
	.venv/bin/harness engine install

run: $(READY)
	.venv/bin/harness run programs/starter programs/financial

# Most tests and cases wait for processes of their own: three workers keep two cores busy.
test: lint engine browser
	.venv/bin/pytest -n $(WORKERS) --dist loadgroup

# All campaigns: every call fails once, kills, signals, hard cases, soak; and the engine's tests that take too long for
# each change. An hour and more; chaos.json has the campaigns' counters.
chaos: engine
	.venv/bin/pytest tests/chaos tests/engine --campaign -n $(CHAOS_WORKERS) --dist load --chaos-json chaos.json

# The tests open the report's page in a real browser: yours, or Debian's.
browser:
	@if test -n "$$HARNESS_BROWSER"; then set -- "$$HARNESS_BROWSER"; else set -- chromium chromium-browser google-chrome; fi; \
	for name; do if command -v "$$name" >/dev/null; then exit 0; fi; done; \
	if test -z "$$HARNESS_BROWSER" && test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	  apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends chromium; \
	else \
	  echo "error: no browser to open the report pages in" >&2; \
	  echo "hint: install chromium (or google-chrome), or set HARNESS_BROWSER to its executable" >&2; exit 2; \
	fi

# The whole cycle against the plain Automation API script; about ten minutes. A quiet machine tells more.
bench: engine
	.venv/bin/python tests/bench/cycle.py

lint: $(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: $(READY)
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock: $(READY)
	.venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	  --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv build dist *.egg-info
