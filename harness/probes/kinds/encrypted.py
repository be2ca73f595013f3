"""`encrypted`: a key and types of what the stack made in; that each of them is under that key at the target, out."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from harness.probes.asking import ask_key
from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Texts, kind
from harness.probes.model import ProbeFailure
from harness.probes.questions_of_keys import KEYS
from harness.probes.survey import at_target, refuse_problems, survey, unaskable
from harness.probes.under_key import not_under


def _known(types: list[str]) -> list[str]:
    for one in types:
        if one not in KEYS:
            raise ValueError(f"nobody can ask for the key of {one!r}")
    return types


class EncryptedKeys(Keys):
    """`encrypted`."""

    key: str = Field(description="ARN of the key")
    types: Annotated[Texts, AfterValidator(_known)] = Field(
        min_length=1, description=f"types of what the stack made, of which each is asked: {', '.join(KEYS)}"
    )
    names: Texts = Field(
        default=["*"], min_length=1, description="the program's own names for them, such as events-*; all without it"
    )


@kind("encrypted", "key")
def encrypted(context: ProbeContext, keys: EncryptedKeys) -> Mapping[str, Any]:
    """Everything of these types that the stack made is under the key, asked of the target one by one."""
    asked = [
        one
        for one in at_target(context, ())
        if one.type in keys.types and any(fnmatchcase(one.name, pattern) for pattern in keys.names)
    ]
    missing = set(keys.types) - {one.type for one in asked}
    if missing:
        raise ProbeFailure(f"the stack made no {', '.join(sorted(missing))} that is meant")
    told = survey(context, asked, ask_key)
    problems = unaskable(told)
    for one in told:
        wrong = "" if one.trouble else not_under(context, one.answer, keys.key, one.resource.region)
        if wrong:
            problems.append(f"{one.resource} {wrong}")
    refuse_problems(problems, len(asked))
    return {"encrypted": len(asked), "key": keys.key}
