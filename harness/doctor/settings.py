"""Environment and `settings.toml` in; what they say, or what is malformed in them, out. No password is told."""

from __future__ import annotations

from harness.doctor.check import Machine, State, Told, check
from harness.errors import ConfigError
from harness.plan.settings_file import VARIABLES, SettingsFile, read_settings, settings_path


@check("settings", needed=True)
def settings(machine: Machine) -> Told:
    """They can be read; without any, nothing is protected and the database is SQLite."""
    try:
        path = settings_path(machine.environ)
        found = read_settings(machine.environ)
    except ConfigError as error:
        return Told(State.BROKEN, error.message, error.hint)
    variables = [name for name in VARIABLES if machine.environ.get(name)]
    sources = [str(path)] if path.is_file() else [f"no file {path}"]
    return Told(State.OK, f"{', '.join([*sources, *variables])}: {_said(found)}")


def _said(found: SettingsFile) -> str:
    parts = [
        f"accounts {', '.join(found.aws.accounts)}" if found.aws.accounts else "",
        f"protected {', '.join(found.protected)}" if found.protected else "",
        "database by URL" if found.database else "",
    ]
    return "; ".join(part for part in parts if part) or "defaults"
