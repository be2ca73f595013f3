"""The plain Automation API script: create, up, destroy, remove. What the harness's whole cycle is measured against.

Usage: `plain.py PROGRAM STATE SIZE`. The engine, its hosts, the provider's plugins and the target come by environment.
Prints the seconds of each step as JSON.
"""

import json
import os
import secrets
import sys
import time

from pulumi import automation


def main() -> None:
    """One cycle, the way the documentation of the Automation API shows it."""
    program, state, size = sys.argv[1:]
    began, marks = time.perf_counter(), {}
    suffix = secrets.token_hex(4)
    environment = {
        "PULUMI_CONFIG_PASSPHRASE": "benchmark",
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    options = automation.LocalWorkspaceOptions(env_vars=environment, pulumi_home=os.environ["PULUMI_HOME"])
    stack = automation.create_stack(f"bench-{suffix}", work_dir=program, opts=options)
    stack.set_all_config(
        {
            "environmentSuffix": automation.ConfigValue(suffix),
            "size": automation.ConfigValue(size),
            "aws:region": automation.ConfigValue("us-east-1"),
        }
    )
    for name, work in (
        ("create", lambda: None),
        ("up", stack.up),
        ("destroy", stack.destroy),
        ("remove", lambda: stack.workspace.remove_stack(stack.name)),
    ):
        work()
        marks[name] = time.perf_counter() - began
        began = time.perf_counter()
    print(json.dumps(marks))


if __name__ == "__main__":
    main()
