"""Tags in; what carries them by AWS's own index out: the tagging API, which knows the things of most services by ARN.

It asks nothing of the things themselves, so that neither their number nor a policy of their own is in its way. But it
learns of a new thing some moments late, tells of some that are gone, and an emulator's is not whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws import tags
from harness.providers.aws.shapes import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.providers.aws.declare import Find
    from harness.providers.aws.work import Work

_API: Final = "resourcegroupstaggingapi"


class TagIndex:
    """What carries these tags in one region. AWS is asked when that is first needed, and once."""

    def __init__(self, wanted: Mapping[str, str | None]) -> None:
        self._wanted = wanted
        self._told: dict[str, dict[str, str]] | None = None
        self._asked = False

    def of(self, work: Work) -> Mapping[str, Mapping[str, str]] | None:
        """Tags of the things of a type, by what `key` makes of their ids; None when nobody can tell."""
        find = work.resource.find
        if find is None or not find.arn or work.clients.access.endpoint:  # an emulator's account is the cell's alone
            return None
        try:
            if not self._asked:
                self._asked = True
                self._told = self._ask(work)
            if self._told is None:
                return None
            named = [(_name(work, find, arn), carried) for arn, carried in self._told.items()]
        except Exception:  # noqa: BLE001 - an index that does not answer is none: the things are asked, or told as unseen
            return None
        return {name: carried for name, carried in named if name}

    def _ask(self, work: Work) -> dict[str, dict[str, str]]:
        asked = [{"Key": key, "Values": [] if one is None else [one]} for key, one in self._wanted.items()]
        pages = work.clients.client(_API, work.region).get_paginator("get_resources").paginate(TagFilters=asked)
        return {
            str(one["ResourceARN"]): work.rules.seen(tags.from_api(one.get("Tags")))
            for page in pages
            for one in page["ResourceTagMappingList"]
        }


def tells_ids(work: Work) -> bool:
    """Whether the id of a thing of this type follows from its ARN."""
    find = work.resource.find
    return find is not None and (find.whole or "{id}" in find.arn)


def key(work: Work, name: str) -> str:
    """What of an id an ARN tells."""
    return name if tells_ids(work) else name.rpartition("/")[2]


def _name(work: Work, find: Find, arn: str) -> str | None:
    """What an ARN tells of the id; None when it is that of something else. Raises ProviderError without an account."""
    template = find.arn.replace("{partition}", work.partition).replace("{region}", work.region)
    if "{account}" in template:
        template = template.replace("{account}", work.account)
    parts = parse(template, arn.removesuffix(":*"))  # some tell a log group with all that is in it
    return arn if parts and find.whole else parts.get("id") or parts.get("last")
