"""One operation on one resource: its values, its calls, its patience. Hooks of the declarations get this."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from harness.providers.aws import attempts
from harness.providers.aws.failures import CancelledError, says_absent
from harness.providers.aws.shapes import fill, parse
from harness.providers.contract import ProviderError

if TYPE_CHECKING:
    from harness.providers.aws.clients import Clients
    from harness.providers.aws.declare import Call, Item, Resource
    from harness.providers.aws.tags import TagRules
    from harness.providers.contract import Props

T = TypeVar("T")

_PASSING_AWS: Final = 300.0  # seconds that an error of slow spreading is given on AWS
_PASSING_EMULATOR: Final = 15.0  # the same on an emulator, where hardly anything spreads slowly
# The same for what is removed without a state: whoever does that goes over what is left again and again, and a find
# in the way is often the next in the same round.
_PASSING_FIND_AWS: Final = 60.0
_PASSING_FIND_EMULATOR: Final = 1.0
_MINUTES: Final = 5.0  # for types that have no state to wait for: what is deleted is soon gone
_FIRST: Final = 0.1  # seconds before the second look at a thing that is not ready
_LAST: Final = 5.0  # seconds between looks, in the end


class Work:
    """Context of one create, read, update or delete."""

    def __init__(
        self,
        clients: Clients,
        resource: Resource,
        rules: TagRules,
        *,
        name: str,
        id: str = "",  # noqa: A002 - Pulumi's word
        inputs: Props | None = None,
        old: Props | None = None,
        outputs: Props | None = None,
        timeout: float = 0,
        cancelled: threading.Event | None = None,
        forced: bool = False,
    ) -> None:
        self.clients = clients
        self.resource = resource
        self.rules = rules
        self.name = name
        self.id = id
        self.inputs: Props = inputs or {}
        self.old: Props = old or {}
        self.outputs: Props = outputs or {}
        self.cancelled = cancelled or threading.Event()
        minutes = resource.wait.minutes if resource.wait else _MINUTES
        self.timeout = timeout or minutes * 60
        self.deadline = time.monotonic() + self.timeout
        self.forced = forced
        """It is removed without an engine, or nothing is known of it but its id: nothing of it is worth keeping."""
        self.sent = False
        """A call that changes something has been begun."""
        self.doubt = False
        """An attempt at such a call may have worked, though its answer was lost."""
        self.answer: Item = {}
        """What the create operation said."""

    @property
    def region(self) -> str:
        """Where the resource lives: its own `region`, else that of the provider instance."""
        return str(self.inputs.get("region") or self.outputs.get("region") or self.clients.access.region)

    @property
    def repeatable(self) -> bool:
        """Whether a second create could only meet the first one's work: the name is known beforehand."""
        return bool(self.resource.identity or self.resource.identity_with)

    @property
    def account(self) -> str:
        """The account's number."""
        return self.clients.account

    @property
    def partition(self) -> str:
        """`aws` and its kin."""
        return self.clients.partition

    @property
    def client(self) -> Any:
        """The resource's own service."""
        return self.clients.client(self.resource.service, self.region)

    @property
    def creating(self) -> bool:
        """Whether this is a create: there are no inputs from before."""
        return not self.old

    def get(self, name: str, default: Any = None) -> Any:
        """An input, else the output of the same name."""
        value = self.inputs.get(name)
        if value is None:
            value = self.outputs.get(name)
        return default if value is None else value

    def forces(self, name: str) -> bool:
        """Whether a switch like `forceDestroy` is on."""
        return self.forced or bool(self.get(name))

    def changed(self, *names: str) -> bool:
        """Whether one of these arguments asks for something else than before."""
        from harness.providers.aws.differ import differs

        return any(
            differs(self.resource, name, self.old.get(name), self.inputs.get(name), self.outputs) for name in names
        )

    def values(self) -> _Values:
        """What templates are filled from."""
        return _Values(self)

    def input_shape(self, operation: str) -> Any:
        """The model of an operation's parameters."""
        return self.client.meta.service_model.operation_model(operation).input_shape

    def call(self, operation: str, **params: Any) -> Any:
        """Call an operation of the resource's service. Raises botocore's errors."""
        return self.call_other(self.client, operation, **params)

    def call_other(self, client: Any, operation: str, **params: Any) -> Any:
        """The same, of another service."""
        from botocore import xform_name

        with attempts.watched(self, operation):
            return getattr(client, xform_name(operation))(**params)

    def seek(self, operation: str, **params: Any) -> Any:
        """Call an operation; None when the target says that there is no such thing."""
        try:
            return self.call(operation, **params)
        except Exception as error:
            if says_absent(error, self.resource):
                return None
            raise

    def ask(self, call: Call) -> Any:
        """A declared call, its parameters filled; the part of the answer that it names."""
        import jmespath

        answer = self.call(call.operation, **fill(call.params, self.values()))
        return jmespath.search(call.at, answer) if call.at else answer

    def pages(self, operation: str, at: str, **params: Any) -> list[Any]:
        """All items of a listing, over all its pages."""
        import jmespath
        from botocore import xform_name

        name = xform_name(operation)
        if not self.client.can_paginate(name):
            return list(jmespath.search(at, self.call(operation, **params)) or [])
        found: list[Any] = []
        for page in self.client.get_paginator(name).paginate(**params):
            found.extend(jmespath.search(at, page) or [])
        return found

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the engine cancels. Raises CancelledError then."""
        if self.cancelled.wait(seconds):
            raise CancelledError("cancelled while waiting")

    def until(self, look: Callable[[], T | None], what: str, seconds: float | None = None) -> T:
        """Look again and again until there is an answer that is not None. Raises TimeoutError or CancelledError."""
        import tenacity

        patience = self.deadline - time.monotonic() if seconds is None else seconds
        end = time.monotonic() + patience
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda answer: answer is None),
            wait=tenacity.wait_exponential(multiplier=_FIRST, max=_LAST),
            stop=tenacity.stop_after_delay(max(patience, 0.0)),
            sleep=lambda pause: self.pause(min(pause, max(end - time.monotonic(), 0.0))),
        )
        try:
            answer = retrying(look)
        except tenacity.RetryError as error:
            raise TimeoutError(f"{what} after {patience:.0f} s") from error
        if answer is None:  # tenacity only returns what it need not retry
            raise TimeoutError(what)
        return answer

    def patiently(self, act: Callable[[], T], passing: Callable[[BaseException], bool]) -> T:
        """Act; errors that pass by themselves are tried again for a while. Raises the last one."""
        import tenacity

        emulated, known = bool(self.clients.access.endpoint), bool(self.inputs)
        patience = _PASSING_EMULATOR if emulated else _PASSING_AWS
        if not known:
            patience = _PASSING_FIND_EMULATOR if emulated else _PASSING_FIND_AWS
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(passing),
            wait=tenacity.wait_exponential(multiplier=_FIRST, max=_LAST),
            stop=tenacity.stop_after_delay(min(patience, max(self.deadline - time.monotonic(), 0.0))),
            sleep=self.pause,
            reraise=True,
        )
        return retrying(act)


class _Values(Mapping[str, Any]):
    """Names of templates: `id`, `region`, `account`, `partition`, then inputs, outputs, and the parts of the id."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __getitem__(self, name: str) -> Any:
        work = self._work
        if name in {"id", "region", "account", "partition"} and not (name == "id" and not work.id):
            return getattr(work, name)
        for known in (work.outputs, work.inputs):
            if known.get(name) is not None:
                return known[name]
        parts = parse(work.resource.id_parts, work.id) if work.resource.id_parts else {}
        if name not in parts and work.resource.id_parts and work.id:
            raise ProviderError(f"`{work.id}` is not an id of the form {work.resource.id_parts}")
        return parts[name]

    def __iter__(self) -> Any:
        return iter({*self._work.inputs, *self._work.outputs})

    def __len__(self) -> int:
        return len({*self._work.inputs, *self._work.outputs})
