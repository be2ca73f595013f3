"""Facts about a resource type in, one frozen declaration out: what the rest of this package works from.

Lists of property names are written as one string of words, so that a declaration reads like the documentation that it
was made from. Templates (`"{id}"`, `"{routeTableId}"`) are filled from the resource's id, inputs and outputs; one that
is nothing but a name keeps the value's type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import CheckFailure, Props

Item: TypeAlias = dict[str, Any]
"""What a describe operation says of one thing, in AWS's own names."""

NONE: Final[Mapping[str, Any]] = {}


def words(text: str) -> tuple[str, ...]:
    """Split a string of words into a tuple."""
    return tuple(text.split())


@dataclass(frozen=True)
class Call:
    """One operation: its parameters as templates, and where (JMESPath) in the answer the wanted part lies."""

    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""


@dataclass(frozen=True)
class Update:
    """How some arguments are set on a thing that exists: by an operation, or by a function of ours.

    It runs on an update when one of `args` changed, and after a create when the create operation did not take them.
    """

    args: str
    call: Call | None = None
    apply: Callable[[Work], None] | None = None
    also: str = ""
    """Arguments that go with every such call, changed or not."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """Argument to parameter, where the update operation names it otherwise than the type's own `rename`."""
    on_create: bool | None = None
    """Also after a create; None means: for those arguments that the create operation does not take."""

    @cached_property
    def names(self) -> frozenset[str]:
        """The arguments that it sets."""
        return frozenset(self.args.split())


@dataclass(frozen=True)
class Tagging:
    """How a type's tags are written and read. Shapes (map, Key/Value, TagKey/TagValue) come from the model."""

    tag: Call | None = None
    untag: Call | None = None
    listing: Call | None = None
    """None: the item that `read` returns holds them."""
    spec: str = ""
    """EC2's resource type for `TagSpecifications` of the create operation."""
    write: Callable[[Work, Mapping[str, str]], None] | None = None
    """Sets all tags at once, where the service has no way to add and remove."""


@dataclass(frozen=True)
class Wait:
    """How the state of an item is judged. States are compared without regard to case."""

    at: str
    ready: str = ""
    failed: str = ""
    gone: str = ""
    minutes: float = 20


@dataclass(frozen=True)
class Naming:
    """An automatic name: the logical name, a hyphen and seven hexadecimal digits, within the service's limits."""

    property: str = "name"
    limit: int = 255
    allowed: str = r"A-Za-z0-9\-_"
    lower: bool = False
    prefix: str = "namePrefix"
    start: str = ""
    """Put before a name that must begin so (KMS: `alias/`)."""
    end: Callable[[Props], str] | None = None


@dataclass(frozen=True)
class Find:
    """Lists everything of a type at the target; each item's id is read from it by JMESPath."""

    call: Call | None = None
    id: str = ""
    by_tag_filter: bool = False
    """The operation takes EC2's `tag:` filters, so nothing more needs asking."""
    items: Callable[[Work], list[Any]] | None = None
    """Instead of the operation, where things are listed within other things."""
    arn: str = ""
    """Template of its ARN over `id` (or `last`, what the id ends with), `region`, `account` and `partition`.

    By it AWS's index of tags tells what is ours: for types of which an account has many, and for those that may have a
    policy of their own, which refuses us.
    """
    whole: bool = False
    """The ARN itself is the id."""


@dataclass(frozen=True)
class Resource:
    """One resource type."""

    token: str
    service: str
    noun: str
    """For messages: `EC2 VPC`."""
    args: str
    """Arguments that are supported, without `region` and `tags`, which come by themselves."""
    outputs: str = ""
    """Computed outputs; every argument is an output as well."""
    refused: str = ""
    """Arguments of the SDK's class that only the official provider serves."""
    required: str = ""
    create: Call | None = None
    create_with: Callable[[Work], str] | None = None
    """Makes it and returns its id, where one call with parameters by name will not do."""
    before_create: Callable[[Work, Item], None] | None = None
    id: str = ""
    """The id, as JMESPath into the create operation's answer, or as template when it holds a brace."""
    identity: str = ""
    """Template of the id over the inputs, where it is known before the create."""
    identity_with: Callable[[Props], str] | None = None
    """The same, where a template will not do; it is asked only when every input is known. Raises KeyError."""
    id_parts: str = ""
    """Template that the id follows, so that its parts can be read back from it (`{routeTableId}_{destination}`)."""
    read: Call | None = None
    read_with: Callable[[Work], Item | None] | None = None
    read_more: Callable[[Work, Item, Props], None] | None = None
    """Adds to (or mends) the outputs that were found by name."""
    absent: str = ""
    """Error codes that mean `not there`, beside those that say NotFound, NoSuch and the like."""
    absent_message: str = ""
    """Regular expression over the message of a ValidationError that means `not there`."""
    delete: Call | None = None
    delete_with: Callable[[Work], None] | None = None
    before_delete: Callable[[Work], None] | None = None
    updates: tuple[Update, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    """Property to AWS's member, for parameters and items, where they differ by more than case."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """Output to JMESPath into the item."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Output to template over the other outputs, `region`, `account` and `partition`."""
    nested: Mapping[str, str] = field(default_factory=dict)
    """Argument to the names of its nested arguments, where our code and not the model decides."""
    blocks: str = ""
    """Outputs that Pulumi shows as a list though AWS has a single structure."""
    replace: str = ""
    """Arguments that replace although an update operation has a member of that name."""
    inert: str = ""
    """Arguments that steer this provider and have no life at the target (`forceDestroy`)."""
    computed: str = ""
    """Optional arguments that AWS fills in when they are absent: leaving them out later changes nothing."""
    write_only: str = ""
    """Arguments that the target never tells."""
    watched: str = ""
    """Optional arguments whose absence asks for nothing: whatever is there then is drift."""
    untold: str = ""
    """Arguments that emulators do not tell of: where their answer lacks them, what was asked stands. On AWS an answer
    without them says that they are not set."""
    lax: Mapping[str, str] = field(default_factory=dict)
    """Argument to the names within its blocks that only count when both sides have them (AWS chooses otherwise)."""
    json: str = ""
    documents: str = ""
    """Of those, the ones that AWS takes as a structure: the names within are checked by its model."""
    sets: str = ""
    forms: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Argument to what brings its value to a form in which those that mean the same are equal (defaults filled in)."""
    secret: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    """What AWS gives a new one: an argument of that value needs no call after the create."""
    reset: Mapping[str, Any] = field(default_factory=dict)
    """What is sent when an argument is taken out of the program."""
    naming: Naming | None = None
    tagging: Tagging | None = None
    wait: Wait | None = None
    find: Find | None = None
    retry_create: str = ""
    """Error codes, or `Code:part of the message`, one per line, that pass by themselves (IAM's slow spreading)."""
    retry_delete: str = ""
    check: Callable[[Props], list[CheckFailure]] | None = None
    exclusive: bool = False
    """Two cannot be at once (a subnet has one route table): a replacement deletes first."""
    versions: bool = False
    """A second one of the same id is a newer version beside the first: a replacement never need delete first."""
    regional: bool = True
    aliases: str = ""
    """Further tokens of the same type."""
    destructive: bool = True
    """False: delete leaves the thing where it is (AWS owns it), so presence is not a leak."""

    @property
    def searchable(self) -> bool:
        """Whether things of this type can be found by their tags."""
        return self.find is not None and self.tagging is not None

    @cached_property
    def arguments(self) -> frozenset[str]:
        """Everything that a program may pass."""
        own = set(self.args.split())
        if self.regional:
            own.add("region")
        if self.tagging:
            own.add("tags")
        if self.naming and self.naming.prefix:
            own.add(self.naming.prefix)
        return frozenset(own)

    @cached_property
    def properties(self) -> tuple[str, ...]:
        """Every output, arguments included."""
        tags = ("tags", "tagsAll") if self.tagging else ()
        return tuple(dict.fromkeys((*sorted(self.arguments), *self.outputs.split(), *self.templates, *tags)))

    @cached_property
    def updatable(self) -> frozenset[str]:
        """Arguments whose change does not replace."""
        covered = {name for update in self.updates for name in update.names}
        return frozenset((covered - set(self.replace.split())) | set(self.inert.split()) | {"tags", "tagsAll"})

    def has(self, marks: str, name: str) -> bool:
        """Whether a string of words of this declaration names the property."""
        return name in marks.split()
