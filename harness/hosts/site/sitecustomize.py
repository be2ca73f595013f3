"""What Python imports by itself at its start in; the process kept on this machine when its environment says so, out.

The folder is put on PYTHONPATH, and takes itself off the path again: a sitecustomize of the user's is run as ever.
"""

import importlib.util
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs each Python 5 ms


def _stay() -> None:
    place = os.path.join(os.path.dirname(_here), "loopback.py")  # noqa: PTH118, PTH120 - the same
    spec = importlib.util.spec_from_file_location("_harness_loopback", place)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.stay_if_told()


_stay()
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _here]  # noqa: PTH100 - the same
sys.modules.pop("sitecustomize", None)
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401 - the user's; without one, `site` hears so
