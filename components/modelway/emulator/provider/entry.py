"""The words in which the table describes a resource type.

One `Entry` per Pulumi type says which AWS operations create, read, change and delete it, which
properties are special, and holds small functions for what no rule can say. This module only holds
data; `lifecycle` acts on it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelway.emulator.provider.schema import Shape, resource_shape

if TYPE_CHECKING:
    from modelway.emulator.provider.target import Target


@dataclass(frozen=True, eq=False)
class Literal:
    """A fixed value."""

    value: Any


@dataclass(frozen=True, eq=False)
class Call:
    """One AWS operation and its parameters.

    A parameter comes from a property (or `id`), from a function of the target, or is a `Literal`;
    one whose source gives None is left out. A property is converted by the same rules as
    everywhere, so `{"imageScanningConfiguration": "imageScanningConfiguration"}` is enough.
    """

    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    service: str = ""
    """boto3's name of the service; default: the entry's."""
    unless: tuple[str, ...] = ()
    """AWS error codes that mean there is nothing to do."""


@dataclass(frozen=True, eq=False)
class Read:
    """One AWS operation that tells properties of a resource."""

    call: Call
    result: str = ""
    """Where in the answer the properties are: a JMESPath of names and `[0]`; default: its root."""
    properties: tuple[str, ...] | None = None
    """Which properties it may tell; default: all that the rules find."""
    missing: tuple[str, ...] = ()
    """Error codes that mean: this part is not there (the resource itself may be)."""


@dataclass(frozen=True, eq=False)
class Change:
    """How some properties are changed by a call of their own."""

    properties: tuple[str, ...]
    call: "Call | Callable[[Target], None]"
    on_create: bool = False
    """True where the create call does not take these properties."""
    clear: Call | None = None
    """Made instead when none of the properties is given any more."""


@dataclass(frozen=True, eq=False)
class Tagging:
    """The three operations on tags. The tags' own form follows from the operations' shapes."""

    listing: Call
    tag: Call
    """Its parameter for the tags is added by `lifecycle`."""
    untag: Call
    result: str = "Tags"
    """Where the list is in the answer."""
    tags_member: str = "Tags"
    keys_member: str = "TagKeys"


@dataclass(frozen=True, eq=False)
class AutoName:
    """How the official provider names a resource that has no name (pulumi-aws: resources.go).

    The logical name, `-`, and seven hexadecimal digits.
    """

    limit: int = 255
    """Most characters, `before` apart; a longer name is an error, as there, at once where AWS takes
    less than the official provider knows."""
    property: str = "name"
    lower: bool = False
    before: str = ""
    """What every name begins with (`alias/`), added where the logical name does not."""
    suffix: bool = True
    """False: the logical name alone."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One resource type."""

    type: str
    service: str
    """boto3's name of the service."""
    create: Call
    """Takes the bound inputs (unless `envelope` or `bound` say otherwise) and its parameters."""
    reads: tuple[Read, ...]
    """The first one decides whether the resource exists."""
    delete: Call | None
    id_answer: str = ""
    """Where the id is in the create call's answer, as a JMESPath."""
    id_property: str = ""
    """The property that is the id."""
    identify: "Callable[[Target], str] | None" = None
    """Makes the id, where it is neither of these."""
    not_found: tuple[str, ...] = ()
    """Error codes of the first read and of the delete that mean: not there."""
    names: Mapping[str, str] = field(default_factory=dict)
    """AWS's member by property path, where the rules do not find it; see `binding`."""
    envelope: str = ""
    """The member of the create call that holds the bound inputs; default: its root."""
    bound: bool = True
    """False: only `create.parameters` are sent."""
    put: bool = False
    """True: the create call also updates."""
    changes: Sequence[Change] = ()
    tagging: Tagging | None = None
    auto_name: AutoName | None = None
    replaces: frozenset[str] = frozenset()
    """Property paths whose change needs a new resource (Terraform's ForceNew)."""
    delete_first: bool = False
    """A replacement is only created once the old one is gone, even if nothing is named alike."""
    computed: frozenset[str] = frozenset()
    """Property paths that AWS fills in when a program leaves them out (Optional and Computed)."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the official provider takes when a program leaves a property out, by path."""
    local: frozenset[str] = frozenset()
    """Properties that no AWS call takes and that the state keeps as given."""
    untold: frozenset[str] = frozenset()
    """Properties that AWS takes but never tells; the state keeps them as given."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Properties that the emulator does not cover, with what to use instead."""
    policies: frozenset[str] = frozenset()
    """Property paths that hold policy documents."""
    documents: frozenset[str] = frozenset()
    """Property paths that hold other JSON."""
    unordered: frozenset[str] = frozenset()
    """Paths of lists whose order means nothing."""
    before_create: "Callable[[Target], None] | None" = None
    """Refuses where AWS itself would take an existing resource over in silence."""
    request: "Callable[[Target, dict[str, Any]], None] | None" = None
    """Corrects the create call's parameters."""
    state: "Callable[[Target, dict[str, Any], Sequence[Any]], None] | None" = None
    """Corrects what the reads told; gets their raw results."""
    parse_id: "Callable[[str], dict[str, Any]] | None" = None
    """Gives the properties that an imported id carries."""
    settle: "Callable[[Target], None] | None" = None
    """Waits after create or update until the resource is usable."""
    before_delete: "Callable[[Target], None] | None" = None
    after_delete: "Callable[[Target], None] | None" = None
    fresh: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Outputs that a change of some property makes unknown until it is done, by property."""

    @property
    def shape(self) -> Shape:
        """The properties of the type."""
        return resource_shape(self.type)
