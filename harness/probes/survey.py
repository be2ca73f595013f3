"""Resources of a stack and a question in, every answer of the target out; what cannot be asked is an answer, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Generic, TypeVar

from harness.probes.asking import UnaskableError
from harness.probes.context import ProbeContext, StackResource
from harness.probes.model import ProbeFailure

AT_ONCE: Final = 8  # calls; AWS throttles describe calls, and a client keeps ten connections
SHOWN: Final = 8  # resources in a message

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Told(Generic[Answer]):
    """What the target said of one resource, or why it could not be asked."""

    resource: StackResource
    answer: Answer | None
    trouble: str = ""


def at_target(context: ProbeContext, ignore: Iterable[str]) -> list[StackResource]:
    """Resources of AWS but those of ignored types (`aws:iam/*`); of other packages nothing is at the target.

    By type and name: the order of a state is that of the run, and two reports should be comparable.
    """
    patterns = tuple(ignore)
    found = [
        one
        for one in context.resources
        if one.type.startswith("aws:") and not any(fnmatchcase(one.type, pattern) for pattern in patterns)
    ]
    return sorted(found, key=lambda one: (one.type, one.name))


def survey(
    context: ProbeContext,
    resources: Sequence[StackResource],
    ask: Callable[[ProbeContext, StackResource], Answer],
) -> list[Told[Answer]]:
    """Ask about each, several at once; the answers have the same order."""
    from botocore.exceptions import BotoCoreError, ClientError

    def one(resource: StackResource) -> Told[Answer]:
        try:
            return Told(resource, ask(context, resource))
        except UnaskableError as error:
            return Told(resource, None, str(error))
        except ClientError as error:
            said = error.response["Error"]
            return Told(resource, None, f"{said['Code']}: {said.get('Message', '')}")
        except BotoCoreError as error:
            return Told(resource, None, f"{type(error).__name__}: {error}")

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="survey") as pool:
        return list(pool.map(one, resources))


def refuse_problems(problems: Sequence[str], asked: int) -> None:
    """Raise ProbeFailure naming the first of them, if there are any; or when nothing was there to be asked."""
    if not asked:
        raise ProbeFailure("the stack made nothing that could be asked: remove the probe, or ignore less")
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise ProbeFailure(f"{len(problems)} of {asked} resources: {'; '.join(problems[:SHOWN])}{more}")


def unaskable(told: Iterable[Told[Any]]) -> list[str]:
    """What could not be asked, one sentence each."""
    return [f"{one.resource} could not be asked: {one.trouble}" for one in told if one.trouble]
