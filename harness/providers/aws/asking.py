"""A Pulumi function call in (`aws:index/getRegion:getRegion`), its answer out. Answers stand beside the types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.providers.aws import registry
from harness.providers.aws.failures import explain
from harness.providers.aws.shapes import nearest
from harness.providers.contract import CheckFailure, Props, ProviderError

if TYPE_CHECKING:
    from harness.providers.aws.clients import Clients
    from harness.providers.aws.tags import TagRules


class Asking:
    """What an answer may use: clients in the region asked about, and the provider's rules on tags."""

    def __init__(self, clients: Clients, rules: TagRules, region: str) -> None:
        self.clients = clients
        self.rules = rules
        self.region = region

    def client(self, service: str) -> Any:
        """The client of a service in that region."""
        return self.clients.client(service, self.region)

    def pages(self, service: str, operation: str, at: str, **params: Any) -> list[Any]:
        """All items of a listing, over all its pages; `operation` in botocore's snake case."""
        import jmespath

        client = self.client(service)
        if not client.can_paginate(operation):
            return list(jmespath.search(at, getattr(client, operation)(**params)) or [])
        found: list[Any] = []
        for page in client.get_paginator(operation).paginate(**params):
            found.extend(jmespath.search(at, page) or [])
        return found


def answer(clients: Clients, rules: TagRules, token: str, args: Props) -> Props | tuple[CheckFailure, ...]:
    """Answer one call. Raises ProviderError."""
    known = registry.functions()
    if token not in known:
        hint = registry.closest(token, known)
        near = f" (nearest: {hint})" if hint else ""
        raise ProviderError(
            f"{token}: the bundled provider does not have this function{near}; use `--provider official`"
        )
    function, valid = known[token]
    given = {key: one for key, one in args.items() if one is not None}
    failures = []
    for name in given:
        if name not in valid:
            hint = nearest(name, valid)
            meant = (
                f"did you mean `{hint}`?"
                if hint
                else "the bundled provider does not support it; use `--provider official`"
            )
            failures.append(CheckFailure(name, f"{token} argument `{name}`: {meant}"))
    if failures:
        return tuple(failures)
    asking = Asking(clients, rules, str(given.get("region") or clients.access.region))
    try:
        return {"region": asking.region, **function(asking, given)}
    except Exception as error:
        raise explain("asking", token.rsplit(":", 1)[-1], asking.region, error, clients.access.endpoint) from error
