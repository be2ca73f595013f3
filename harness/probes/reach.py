"""A host and a context in; a refusal out when the target is an emulator and the host is not this machine."""

from __future__ import annotations

from harness.errors import TargetError
from harness.probes.context import ProbeContext
from harness.world.target import parse_target


def check_reach(context: ProbeContext, host: str, port: int) -> None:
    """With an emulator for target, nothing leaves this machine, whatever an output says.

    Raises:
        TargetError: the host is not loopback.
    """
    if context.endpoint is None:
        return
    try:
        parse_target(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    except TargetError as error:
        raise TargetError(
            f"not sent: {host}:{port} is not this machine, and the target is an emulator ({error.message})",
            hint="export an address of the emulator's, or run this probe with --target aws",
        ) from error
