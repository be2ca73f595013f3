"""One configured instance (one region, one account): requests of the contract in, answers out, from many threads."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from harness.providers import flights
from harness.providers.aws import (
    asking,
    checking,
    differ,
    inspecting,
    leftovers,
    lifecycle,
    registry,
    searching,
    unblocking,
    within,
)
from harness.providers.aws.work import Work
from harness.providers.contract import (
    Checked,
    CheckFailure,
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    Diff,
    DiffRequest,
    Found,
    Presence,
    Props,
    ProviderError,
    ReadRequest,
    Remains,
    ResourceState,
    Search,
    UpdateRequest,
)

if TYPE_CHECKING:
    from harness.providers.aws.clients import Clients
    from harness.providers.aws.declare import Resource
    from harness.providers.aws.tags import TagRules


# Seconds for the answer to one question, on an emulator: it answers in milliseconds, and a machine that is busy beside
# it delays that by a second or two. AWS may take long while it throttles, and each service has its own patience there.
_ANSWER: Final = 8.0


class AwsProvider:
    """Implements contract.Inspectable."""

    def __init__(self, clients: Clients, rules: TagRules) -> None:
        self.clients = clients
        self.rules = rules
        self.region = clients.access.region
        self.elsewhere = clients.access.elsewhere
        self._lock = threading.Lock()
        self._flights: set[flights.Flight] = set()

    def check(self, request: CheckRequest) -> Checked:
        """Complete the inputs; name what cannot be accepted."""
        resource = registry.resources().get(request.type)
        if resource is None:
            return Checked(request.inputs, (CheckFailure("", self._unknown(request.type)),))
        with self._flight():
            return checking.check(resource, request, self.rules, self.clients)

    def diff(self, request: DiffRequest) -> Diff:
        """Compare old inputs with new ones."""
        with self._flight():
            return differ.diff(self._resource(request.type), request, self._place(request.type, request.inputs))

    def create(self, request: CreateRequest) -> ResourceState:
        """Make it, wait until it is ready."""
        resource = self._resource(request.type)
        if request.preview:
            return ResourceState("", lifecycle.foresee(resource, request.inputs))
        with self._flight() as flight:
            work = self._timed(flight, resource, request.name, inputs=request.inputs, timeout=request.timeout)
            return lifecycle.create(work)

    def read(self, request: ReadRequest) -> ResourceState | None:
        """Look at it."""
        resource = self._resource(request.type)
        with self._flight() as flight:
            return lifecycle.read(
                self._work(
                    resource,
                    _name(request.urn),
                    id=request.id,
                    inputs=request.inputs,
                    outputs=request.outputs,
                    cancelled=flight.cancelled,
                )
            )

    def update(self, request: UpdateRequest) -> ResourceState:
        """Change it in place."""
        resource = self._resource(request.type)
        if request.preview:
            outputs = lifecycle.foresee(resource, request.inputs, request.old_outputs)
            return ResourceState(request.id, outputs)
        with self._flight() as flight:
            return lifecycle.update(
                self._timed(
                    flight,
                    resource,
                    _name(request.urn),
                    id=request.id,
                    inputs=request.inputs,
                    old=request.old_inputs,
                    outputs=request.old_outputs,
                    timeout=request.timeout,
                )
            )

    def delete(self, request: DeleteRequest) -> None:
        """Remove it, wait until it is gone."""
        resource = self._resource(request.type)
        with self._flight() as flight:
            lifecycle.delete(
                self._timed(
                    flight,
                    resource,
                    _name(request.urn),
                    id=request.id,
                    inputs=request.inputs,
                    outputs=request.outputs,
                    timeout=request.timeout,
                    forced=request.forced,
                )
            )

    def invoke(self, token: str, args: Props) -> Props | tuple[CheckFailure, ...]:
        """Answer a function call. Raises ProviderError for a token that is not known, and for what AWS refuses."""
        with self._flight():
            return asking.answer(self.clients, self.rules, token, args)

    def cancel(self) -> None:
        """Wake everything that waits, also for an answer; later operations are not touched."""
        with self._lock:
            aloft = list(self._flights)
        for flight in aloft:
            flight.cancel()

    def identify(self, type: str, inputs: Props) -> str | None:  # noqa: A002 - Pulumi's word
        """The id that a create with these checked inputs will have, or None."""
        resource = registry.resources().get(type)
        if resource is None:
            return None
        with self._flight():
            return differ.identify(resource, inputs, self._place(type, inputs)) or within.place_of(type, inputs)

    def presence(self, type: str, id: str, outputs: Props) -> tuple[Presence, str]:  # noqa: A002 - Pulumi's words
        """Ask the target for one resource. A part whose create was lost is gone when the whole is."""
        whole = within.whole_of(type, id)
        if whole is not None:
            answer, detail = self.presence(*whole, {})
            said = f"its create got no answer; it would be part of {whole[1]}: {detail}"
            return (answer if answer is Presence.GONE else Presence.UNVERIFIED), said
        resource = registry.resources().get(type)
        if resource is None:
            return Presence.UNVERIFIED, f"the bundled provider has no declaration of {type}"
        with self._flight() as flight:
            return inspecting.presence(self._work(resource, id, id=id, outputs=outputs, cancelled=flight.cancelled))

    def find(self, types: Iterable[str], tags: Mapping[str, str | None]) -> Sequence[Found]:
        """Everything of these types that carries all these tags (None: any value), by each service's own listing."""
        seen = self.search(types, tags)
        if missing := [*seen.failed.values(), *seen.unseen.values()]:
            raise ProviderError(missing[0])
        return seen.found

    def search(self, types: Iterable[str], tags: Mapping[str, str | None], *, thorough: Iterable[str] = ()) -> Search:
        """The same; a type whose listing fails only costs that type, a thing that refuses only itself."""
        declared = {one.token: one for one in map(registry.resources().get, types) if one}
        with self._flight() as flight:
            works = [self._work(one, one.noun, cancelled=flight.cancelled) for one in declared.values()]
            return searching.search(works, tags, {one.token for one in map(registry.resources().get, thorough) if one})

    def unblock(self, type: str, id: str, outputs: Props) -> Sequence[str]:  # noqa: A002 - Pulumi's words
        """Lift what would keep it from being deleted."""
        with self._flight():
            region = str(outputs.get("region") or self.region)
            return unblocking.unblock(unblocking.Blocked(self.clients, type, id, outputs, region))

    def remains(
        self,
        type: str,  # noqa: A002 - Pulumi's word
        id: str,  # noqa: A002 - Pulumi's word
        outputs: Props,
        *,
        since: float,
        blocking: bool,
        remove: bool,
    ) -> Remains:
        """What AWS leaves of it outside any state."""
        with self._flight():
            region = str(outputs.get("region") or self.region)
            parent = leftovers.Parent(self.clients, type, id, outputs, region, since)
            return inspecting.remains(parent, blocking=blocking, remove=remove)

    def _resource(self, token: str) -> Resource:
        resource = registry.resources().get(token)
        if resource is None:
            raise ProviderError(self._unknown(token))
        return resource

    def _unknown(self, token: str) -> str:
        hint = registry.closest(token, registry.resources())
        nearest = f" (nearest: {hint})" if hint else ""
        return f"{token}: the bundled provider does not have this resource type{nearest}; use `--provider official`"

    def _place(self, token: str, inputs: Props) -> Mapping[str, Any]:
        return _Place(self.clients, self._resource(token).service, inputs)

    def _work(self, resource: Resource, name: str, **more: Any) -> Work:
        return Work(self.clients, resource, self.rules, name=name, **more)

    def _timed(self, flight: flights.Flight, resource: Resource, name: str, **more: Any) -> Work:
        """A work whose time is the flight's, too: a call that hangs is not waited for beyond it."""
        work = self._work(resource, name, cancelled=flight.cancelled, **more)
        flight.deadline = work.deadline
        return work

    @contextmanager
    def _flight(self) -> Iterator[flights.Flight]:
        """What `cancel` ends when it comes meanwhile."""
        with flights.Flight().aboard() as flight:
            if self.clients.access.endpoint:
                flight.each = _ANSWER
            with self._lock:
                self._flights.add(flight)
            try:
                yield flight
            finally:
                with self._lock:
                    self._flights.discard(flight)


class _Place(Mapping[str, Any]):
    """Names of the place for templates of ids; the account is asked only when a template wants it."""

    def __init__(self, clients: Clients, service: str, inputs: Props) -> None:
        self._clients = clients
        self._service = service
        self._region = inputs.get("region") or clients.access.region

    def __getitem__(self, name: str) -> Any:
        if name == "region":
            return self._region
        if name == "endpoint":
            return self._clients.client(self._service, self._region).meta.endpoint_url.rstrip("/")
        if name in {"account", "partition"}:
            return getattr(self._clients, name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("region", "account", "partition", "endpoint"))

    def __len__(self) -> int:
        return 4


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]
