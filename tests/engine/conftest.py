"""The real engine for the tests of this folder: from the harness's own home, installed when it is not there."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import platformdirs
import pytest

from harness.world.engine import Engine, ensure_engine


@pytest.fixture(scope="session")
def harness_home() -> Path:
    """HARNESS_HOME, where the engine is kept between test runs."""
    return Path(os.environ.get("HARNESS_HOME") or platformdirs.user_state_dir("harness", appauthor=False))


@pytest.fixture(scope="session")
def engine(harness_home: Path) -> Engine:
    """The pinned engine, or a newer one from PATH."""
    return ensure_engine(harness_home, lambda line: print(line, file=sys.stderr))


@pytest.fixture
def clean_path() -> str:
    """A PATH without a Pulumi engine or host of the machine's own."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not shutil.which("pulumi", path=folder))
