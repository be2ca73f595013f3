"""A stack whose program is given as text, driven step by step in a process of its own.

The Automation API runs inline programs on event loops that it leaves open, which a pytest with warnings as errors does
not forgive; and a program belongs into a process of its own anyway.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("inline_driver.py")
STATE = ".pulumi/stacks/proj/dev.json"


class InlineStack:
    """Stack `dev` of project `proj` in `directory`, on the engine at `engine`; `home` is its PULUMI_HOME."""

    def __init__(self, directory, engine, **variables):
        self.home = directory / "home"
        self._state = directory / "state"
        for folder in (self.home, self._state, directory / "work"):
            folder.mkdir()
        self._where = {"work": str(directory / "work"), "home": str(self.home), "engine": str(engine)}
        self._variables = {
            "PULUMI_BACKEND_URL": f"file://{self._state}",
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **variables,
        }

    def do(self, program, *steps):
        """Do steps (`preview`, `up`, `refresh`, `destroy`, `export`) and return what each gave.

        A step that failed gives its text under `error`, and ends the sequence.
        """
        with self.start(program, *steps) as driver:
            output, _ = driver.communicate(timeout=120)
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]

    def start(self, program, *steps):
        """Start to do steps, and return the process."""
        asked = {**self._where, "variables": self._variables, "program": program, "steps": steps}
        return subprocess.Popen([sys.executable, DRIVER, json.dumps(asked)], stdout=subprocess.PIPE, text=True)

    def stored(self):
        """The state as it lies on disk, as text."""
        return (self._state / STATE).read_text()


@pytest.fixture
def inline_stack(engine, tmp_path):
    """Make the test's stack: `inline_stack(VARIABLE="…")` sets variables of the engine's environment."""
    return lambda **variables: InlineStack(tmp_path, engine.path, **variables)
