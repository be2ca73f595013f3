"""Answers of AWS in, what a probe says of them out: by botocore's stubs, which refuse what AWS would not answer."""

from __future__ import annotations

from typing import Any

from botocore.stub import Stubber
from probe_tables import attempt, once

from harness.probes.registry import Probe, ProbeContext, ProbeResult


class Aws:
    """AWS itself for a target, unless an endpoint is named; a call that no stub stands for fails."""

    def __init__(self, **context: Any) -> None:
        given = {"outputs": {}, "region": "eu-central-1", "suffix": "s1x", "access_key": "x", "secret_key": "x"}
        self.context = ProbeContext(**{**given, **context})
        self._stubs: dict[str, Stubber] = {}

    def answer(self, service: str, *answers: tuple[str, dict[str, Any]]) -> None:
        """These answers to these operations, in their order."""
        if service not in self._stubs:
            self._stubs[service] = Stubber(self.context.client(service))
            self._stubs[service].activate()
        for operation, said in answers:
            self._stubs[service].add_response(operation, said)

    def ask(self, which: str | Probe) -> ProbeResult:
        """One attempt of a probe, or of what a table declares."""
        return once(which, self.context) if isinstance(which, str) else attempt(which, self.context)
