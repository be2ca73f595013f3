"""One JSON document (argv) in, one JSON line per step out: a stack with an inline program, in a process of its own."""

import json
import sys
from pathlib import Path

from pulumi import automation as auto


def drive(asked):
    """Do the steps until one fails."""
    workspace = auto.LocalWorkspace(
        work_dir=asked["work"],
        pulumi_home=asked["home"],
        program=lambda: exec(asked["program"], {}),  # noqa: S102 - the test's own text
        env_vars=asked["variables"],
        project_settings=auto.ProjectSettings("proj", "python"),
        pulumi_command=auto.PulumiCommand(str(Path(asked["engine"]).parent.parent)),
    )
    stack = auto.Stack.create_or_select("dev", workspace)
    for step in asked["steps"]:
        try:
            print(json.dumps(_step(stack, step)), flush=True)
        except auto.CommandError as error:
            print(json.dumps({"error": str(error)}), flush=True)
            break


def _step(stack, step):
    if step == "export":
        return stack.export_stack().deployment
    done = getattr(stack, step)()
    if step == "preview":
        return {"changes": done.change_summary}
    outputs = {name: [value.value, value.secret] for name, value in getattr(done, "outputs", {}).items()}
    return {"changes": done.summary.resource_changes, "outputs": outputs}


if __name__ == "__main__":
    drive(json.loads(sys.argv[1]))
