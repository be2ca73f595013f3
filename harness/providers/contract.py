"""Shapes in, shapes out: what the engine asks a bundled provider, and what the provider answers, without gRPC.

`server.py` turns Pulumi's wire protocol into these; the packages (`random`, `aws`) answer them. Property names are
Pulumi's (camelCase). Numbers with no fraction arrive as `int`. Secrets never arrive wrapped: the engine strips them
before the call and marks outputs of the same name again (we declare `acceptSecrets: false`); a provider wraps an
output in `Secret` when it is secret by nature.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Unknown(enum.Enum):
    """A value that preview cannot know yet."""

    UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # the engine's own sentinel for an unknown string


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Secret:
    """An output that must be stored encrypted and never shown."""

    value: Any


Props: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asset:
    """One blob among the inputs: its text, a path on this machine, or a URI; `sha256` is the engine's hash of it."""

    text: str | None = None
    path: str | None = None
    uri: str | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Archive:
    """Many blobs among the inputs: assets and archives by name, a path (directory, zip or tar), or a URI."""

    assets: Mapping[str, Asset | Archive] | None = None
    path: str | None = None
    uri: str | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """One input that cannot be accepted, and why; `property` is empty when it is the resource as a whole."""

    property: str
    reason: str


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Inputs of a resource, before anything is done. `seed` makes automatic names the same in preview and up."""

    urn: str
    type: str
    name: str
    inputs: Props
    old_inputs: Props
    seed: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """Inputs with defaults filled in (automatic names, merged tags), and what is wrong with them."""

    inputs: Props
    failures: tuple[CheckFailure, ...] = ()


class Change(enum.Enum):
    """How one property differs; the values are those of Pulumi's `PropertyDiff.Kind`."""

    ADD = 0
    ADD_REPLACE = 1
    DELETE = 2
    DELETE_REPLACE = 3
    UPDATE = 4
    UPDATE_REPLACE = 5


@dataclass(frozen=True, slots=True)
class DiffRequest:
    """A resource in the state (`old_*`) beside its checked new inputs; keys are property paths."""

    urn: str
    type: str
    id: str
    old_inputs: Props
    old_outputs: Props
    inputs: Props
    ignore_changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs. A change whose kind ends in REPLACE makes the engine create anew and delete the old."""

    changes: Mapping[str, Change] = field(default_factory=dict)
    delete_before_replace: bool = False


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """Make it. With `preview` nothing may be touched: answer with what is known and UNKNOWN for the rest.

    `timeout` is in seconds; 0 means that the type's own default counts.
    """

    urn: str
    type: str
    name: str
    inputs: Props
    timeout: float = 0
    preview: bool = False


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """Change it in place."""

    urn: str
    type: str
    id: str
    old_inputs: Props
    old_outputs: Props
    inputs: Props
    timeout: float = 0
    preview: bool = False


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Look at it. With empty `inputs` it is an import: derive the inputs from what is there."""

    urn: str
    type: str
    id: str
    inputs: Props
    outputs: Props


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """Remove it and wait until it is gone. `forced`: nothing of it is worth keeping, whatever its properties say."""

    urn: str
    type: str
    id: str
    inputs: Props
    outputs: Props
    timeout: float = 0
    forced: bool = False


@dataclass(frozen=True, slots=True)
class ResourceState:
    """What exists: its id (empty in a preview) and its outputs."""

    id: str
    outputs: Props
    inputs: Props = field(default_factory=dict)  # only a read fills them: what the inputs would be


class ProviderError(Exception):
    """The target refused, or the request cannot be served. The text is what the user reads.

    `definite` is False when the target may have done it all the same (the answer was lost, the call timed out): the
    journal then keeps the intent open, so that the leak check asks about it.
    """

    def __init__(self, message: str, *, definite: bool = True) -> None:
        super().__init__(message)
        self.definite = definite


class PartialError(ProviderError):
    """Something exists at the target but is not whole: the state must keep `resource`, so that destroy finds it."""

    def __init__(self, message: str, resource: ResourceState) -> None:
        super().__init__(message)
        self.resource = resource


class Presence(enum.Enum):
    """What the target said when it was asked for one resource by describe."""

    EXISTS = "exists"
    GONE = "gone"  # absent, or in a terminal state (KMS PendingDeletion, NAT deleted, …)
    UNVERIFIED = "unverified"  # it could not be asked: no declaration for the type, or the call failed


class Provider(Protocol):
    """One configured provider instance (one region, one account). Called from many threads at once."""

    def check(self, request: CheckRequest) -> Checked:
        """Fill in defaults, refuse what cannot be accepted; touches nothing."""
        ...

    def diff(self, request: DiffRequest) -> Diff:
        """Compare the state with the new inputs; touches nothing."""
        ...

    def create(self, request: CreateRequest) -> ResourceState:
        """Make it and wait until it is ready. Raises ProviderError or PartialError."""
        ...

    def read(self, request: ReadRequest) -> ResourceState | None:
        """Look at it; None when it is gone."""
        ...

    def update(self, request: UpdateRequest) -> ResourceState:
        """Change it in place and wait until it is ready."""
        ...

    def delete(self, request: DeleteRequest) -> None:
        """Remove it and wait until it is gone; what is gone already is a success."""
        ...

    def invoke(self, token: str, args: Props) -> Props | tuple[CheckFailure, ...]:
        """Answer a function call. A token that is not known raises ProviderError."""
        ...

    def cancel(self) -> None:
        """In-flight creates stop waiting and raise PartialError with what they have. The instance stays usable."""
        ...


class Package(Protocol):
    """One Pulumi package (`aws`, `random`): makes provider instances from their configuration."""

    name: str
    version: str

    def check_config(self, inputs: Props) -> Checked:
        """Refuse configuration that `configure` cannot take."""
        ...

    def diff_config(self, old: Props, new: Props) -> Diff:
        """Say which change of configuration replaces every resource."""
        ...

    def configure(self, config: Props) -> Provider:
        """A provider instance. Nested configuration values may arrive as JSON text (stack configuration does)."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that the target holds, found by its tags. `delete()` of the same provider instance accepts it."""

    type: str
    id: str
    region: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False)


@runtime_checkable
class Inspectable(Provider, Protocol):
    """A provider instance that can say what is at the target, without the engine and without a state."""

    region: str
    elsewhere: bool
    """It acts by credentials of the program's own: another instance, which has none, asks in another account."""

    def identify(self, type: str, inputs: Props) -> str | None:  # noqa: A002 - Pulumi's word
        """Id that a create with these checked inputs will have, or None when only the target decides it."""
        ...

    def presence(self, type: str, id: str, outputs: Props) -> tuple[Presence, str]:  # noqa: A002 - Pulumi's words
        """Ask the target for one resource by describe: the answer, and in words what was seen."""
        ...

    def find(self, types: Iterable[str], tags: Mapping[str, str | None]) -> Sequence[Found]:
        """List everything of these types that carries all these tags; None is any value.

        A call that fails raises ProviderError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Search:
    """What a search by tags found, the types that could be searched so, and those whose listing failed, and why.

    `unseen` are types that were listed, and of which some things refused to be looked at: which, and why.
    """

    found: Sequence[Found]
    searched: Sequence[str]
    failed: Mapping[str, str]
    unseen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remains:
    """What the target keeps of one resource outside any state, by a search that may have removed it.

    `found` is each thing that was there: type, id, why, `lasting` when it is no leak, `error` when its removal failed,
    and `gone` when it was removed.
    """

    found: Sequence[Props]


@runtime_checkable
class Clearable(Inspectable, Protocol):
    """A provider instance that can also clear the way for a destroy, and search for what one leaves."""

    def search(self, types: Iterable[str], tags: Mapping[str, str | None], *, thorough: Iterable[str] = ()) -> Search:
        """As `find`, but a type whose listing fails only costs that type, and a thing that refuses only itself.

        Of the `thorough` types all things are asked; of others an index of tags will do, which may not know the newest.
        """
        ...

    def unblock(self, type: str, id: str, outputs: Props) -> Sequence[str]:  # noqa: A002 - Pulumi's words
        """Lift what would keep a resource of ours from being deleted: in words. Raises ProviderError."""
        ...

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
        """What AWS leaves of a resource, or, `blocking`, what holds one that is there. Raises ProviderError.

        What is older than `since` (seconds since the epoch) is not ours.
        """
        ...
