"""The engine's policy host in, our rules served out."""

import sys
from pathlib import Path

# The SDK starts packs with the program's directory on the path: nothing of the program's may be imported for ours.
# Where only this directory was named, the interpreter has pulumi-policy, but the harness is found from here.
sys.path[:] = [entry for entry in sys.path if entry not in {"", str(Path.cwd())}]
sys.path.append(str(Path(__file__).resolve().parents[3]))

from harness.policy.serve import serve  # noqa: E402 - not before it can be found

serve()
