"""A cell's settings in; the whole environment of its engine out. What is not named here, the engine does not see."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.model import Cell, ProviderName
from harness.world.files import CellFiles
from harness.world.language import CELL_VARIABLE
from harness.world.target import Target, is_proxy, program_environment

SUFFIX_VARIABLE = "ENVIRONMENT_SUFFIX"


def engine_environment(
    cell: Cell,
    files: CellFiles,
    *,
    target: Target,
    account: str | None,
    provider: ProviderName,
    tags: Mapping[str, str],
    hosts: Path,
    base: Mapping[str, str],
) -> dict[str, str]:
    """What the engine, the language host and the program see.

    Nothing of the caller's own Pulumi set-up (account, backend, plugins) reaches them: the state is a private folder.
    """
    kept = {name: value for name, value in base.items() if not name.startswith(("PULUMI_", "HARNESS_"))}
    environment = program_environment(target, kept, cell.region, account)
    environment.update(
        {
            "PATH": os.pathsep.join([environment.get("PATH", os.defpath), str(hosts)]),
            "PULUMI_BACKEND_URL": files.backend,
            "PULUMI_HOME": str(files.engine_home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # The engine lives for seconds: collecting its garbage less often saves a tenth of its time.
            "GOGC": base.get("GOGC", "400"),
            # A copy of the whole state per call, which nobody reads; the one beside the state file is made as ever.
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
            "HARNESS_PYTHON": sys.executable,
            CELL_VARIABLE: str(files.directory),
            SUFFIX_VARIABLE: cell.suffix,
            "PYTHONDONTWRITEBYTECODE": "1",  # nothing is written beside the user's sources
            "TMPDIR": str(files.temporary),  # what the engine and the program leave there goes with the cell
            **_passphrase(cell, files, base),
        }
    )
    if provider == "bundled":
        environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    else:
        # The engine downloads the plugin, as the user's own would; the program is led to no proxy all the same.
        environment = {name: value for name, value in environment.items() if not is_proxy(name)}
        environment.update({name: value for name, value in kept.items() if is_proxy(name)})
        # terraform-provider-aws reads default tags from TF_AWS_DEFAULT_TAGS_KEY: so explicit provider instances of the
        # program, which know nothing of the stack's configuration, lay them on as well.
        environment.update({f"TF_AWS_DEFAULT_TAGS_{key}": value for key, value in tags.items()})
    return environment


def _passphrase(cell: Cell, files: CellFiles, base: Mapping[str, str]) -> dict[str, str]:
    """Our own for the cell's state, or the user's where encrypted values of an existing stack are taken over."""
    if cell.stack_config is None or not cell.stack_config.secrets:
        return {"PULUMI_CONFIG_PASSPHRASE": files.passphrase.read_text(encoding="ascii")}
    names = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_ACCESS_TOKEN")
    return {name: base[name] for name in names if name in base}
