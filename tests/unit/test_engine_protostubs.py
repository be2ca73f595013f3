"""The wire protocol's modules load without the SDK, and the SDK loads after them."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_sdk_is_not_imported():
    """Nothing of `pulumi` but the stubs is loaded; no empty package stays behind."""
    code = (
        "import sys; from harness.protostubs import load; load('language_pb2', 'language_pb2_grpc');"
        "print(sorted(m for m in sys.modules if m.startswith('pulumi') and '.proto.' not in m))"
    )
    assert run(code).strip() == "[]"


def test_the_sdk_imported_later_is_the_real_one_and_shares_the_messages():
    """A process may load the stubs first and the SDK afterwards, or the other way round."""
    code = (
        "from harness.protostubs import load; stubs, = load('language_pb2');"
        "import pulumi.automation; from pulumi.runtime.proto import language_pb2;"
        "assert pulumi.ComponentResource and language_pb2 is stubs;"
        "assert load('language_pb2') == (stubs,); print('same')"
    )
    assert run(code).strip() == "same"
