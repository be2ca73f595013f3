"""`tags` and `suffix`: what the stack made in; that each carries its tags and the suffix at the target out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from harness.probes.asking import ask_names, ask_tags, has_name, has_tags
from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Texts, kind
from harness.probes.survey import at_target, refuse_problems, survey, unaskable

REQUIRED: Final = ("Environment", "Project", "CostCenter")  # what every program's resources carry
_IGNORE: Final = "types to leave out, such as aws:iam/*; what cannot be asked about fails the probe otherwise"


def _any_value(value: object) -> object:
    """A list of keys means: any value."""
    return (
        dict.fromkeys(value, "*") if isinstance(value, list) and all(isinstance(one, str) for one in value) else value
    )


class TagKeys(Keys):
    """`tags`."""

    tags: Annotated[dict[str, str], BeforeValidator(_any_value)] = Field(
        default=dict.fromkeys(REQUIRED, "*"),
        min_length=1,
        description=f'a table of tag = value ("*": any but empty), or a list of tags; without it {", ".join(REQUIRED)}',
    )
    ignore: Texts = Field(default=[], description=_IGNORE)


class SuffixKeys(Keys):
    """`suffix`."""

    ignore: Texts = Field(default=[], description=_IGNORE)


@kind("tags")
def tags(context: ProbeContext, keys: TagKeys) -> Mapping[str, Any]:
    """Everything taggable that the stack made carries the tags, asked of the target resource by resource."""
    asked = [one for one in at_target(context, keys.ignore) if has_tags(one)]
    told = survey(context, asked, ask_tags)
    problems = unaskable(told)
    for one in told:
        if one.answer is not None:
            wrong = _lacking(one.answer, keys.tags)
            if wrong:
                problems.append(f"{one.resource} {wrong}")
    refuse_problems(problems, len(asked))
    return {"tagged": len(asked), "tags": sorted(keys.tags)}


@kind("suffix")
def suffix(context: ProbeContext, keys: SuffixKeys) -> Mapping[str, Any]:
    """Everything that the stack made and that has a name carries the suffix in it, asked of the target one by one."""
    asked = [one for one in at_target(context, keys.ignore) if has_name(one)]
    told = survey(context, asked, ask_names)
    problems = unaskable(told)
    for one in told:
        bare = [name for name in one.answer or () if context.suffix not in name]
        if bare:
            problems.append(f"{one.resource} is called {', '.join(bare)}, without {context.suffix}")
    refuse_problems(problems, len(asked))
    return {"named": sum(bool(one.answer) for one in told), "without any name": sum(not one.answer for one in told)}


def _lacking(seen: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    missing = [key for key, value in wanted.items() if not seen.get(key) or (value != "*" and seen[key] != value)]
    said = [f"{key} ({seen[key]!r}, wanted {wanted[key]!r})" if seen.get(key) else key for key in missing]
    return f"lacks {', '.join(said)}" if said else ""
