"""A scenario: what a rehearsal deploys, sends, changes and breaks, and what must come of it.

Takes plain values, gives frozen, validated objects (`modelway.rehearsal.scenario_file` reads
files). Times of AWS's side are virtual seconds, those of clients real ones. Must not read files.
"""

from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from modelway.rehearsal.arrivals import Kind
from modelway.rehearsal.fault import Fault
from modelway.rehearsal.moment import Count, Moment, Number, Part
from modelway.spec.model import Name

Outcome = Literal["promoted", "rolled-back", "refused", "failed", "unchanged"]
"""What becomes of one `pulumi up`: the new configuration serves; AWS went back to the old one; it
ended before anything was updated; it ended otherwise, such as by an interruption; or there was
nothing to do."""


class RateChange(Part):
    """Another rate of requests from a moment on."""

    at: Moment = Moment()
    """When; looked for in every step until it has happened."""
    requests_per_second: Number = Field(ge=0)
    """Requests per real second; 0 sends nothing."""


class Traffic(Part):
    """What clients send, in an open loop: requests leave on time, however slow the answers are."""

    requests_per_second: Number = Field(default=10.0, gt=0)
    """Requests per real second, from the end of the first `pulumi up` on."""
    arrivals: Kind = "poisson"
    """Equal distances, or those of callers that know nothing of each other."""
    seed: Count = 1
    """Of the arrivals and of generated rows."""
    rows: str | None = None
    """JSON lines or CSV, relative to the scenario's folder. Default: rows are generated for the
    model's inputs."""
    changes: tuple[RateChange, ...] = ()
    """Other rates from given moments on. Default: none."""


class Interruption(Part):
    """The engine is stopped from outside."""

    signal: Literal["SIGTERM", "SIGKILL"]
    """As CI systems do first, and then."""
    at: Moment = Moment()
    """When."""


class UpExpectation(Part):
    """What must come of one `pulumi up`."""

    outcome: Outcome | None = None
    """Default: any."""
    exit_status: Literal["zero", "non-zero"] | None = None
    """Of `pulumi up`. Default: any."""
    message: tuple[str, ...] = ()
    """Texts that its output must have. Default: none."""
    alarm: str | None = None
    """The alarm that rolled it back, or the end of its name. Default: any."""
    rolled_back_within_seconds: Number | None = Field(default=None, gt=0)
    """Virtual seconds from the beginning of the step's first fault to that of the roll-back; from
    the beginning of the first bake, where there is no fault. Default: any time."""


class Up(Part):
    """One change, deployed by one `pulumi up`."""

    title: str = ""
    """For the report. Default: none."""
    back: bool = False
    """Begin with the first spec again, instead of that of the up before."""
    set: dict[str, Any] = Field(default_factory=dict)
    """What changes in the spec, merged as an environment's overrides are. Default: nothing."""
    model: str | None = None
    """Another model file, relative to the scenario's folder: short for `set.model.path`."""
    begin: Moment = Moment(event="step-started")
    """When `pulumi up` is started. What happens from the moment on at which SageMaker was done with
    the up before counts, while its engine still tidied up, too. Default: at once."""
    repair: bool = False
    """Run `modelway doctor --repair` first, as after a killed engine."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong. Default: nothing."""
    interrupt: Interruption | None = None
    """Default: the engine is left alone."""
    expect: UpExpectation = UpExpectation()
    """What must come of it."""

    @property
    def announcement(self) -> str:
        """What is about to be done, and what it waits for: that may be minutes away."""
        title = f": {self.title}" if self.title else ""
        if self.begin.event == "step-started":
            return f"pulumi up{title}"
        return f"waiting for {self.begin.named}, then pulumi up{title}"


class ClientErrors(Part):
    """How many requests may fail."""

    at_most: Count | None = Field(default=None, ge=0)
    """Failed requests. Default: any number."""
    at_most_percent: Number | None = Field(default=None, ge=0, le=100)
    """Share of all requests. Default: any."""
    at_least: Count | None = Field(default=None, ge=0)
    """Failed requests, where a fault must be seen by clients. Default: none."""


class Expectation(Part):
    """What must be true of the whole rehearsal."""

    client_errors: Literal["none"] | ClientErrors | None = None
    """`none`, or bounds. Default: any."""
    longest_unavailability_seconds: Number | None = Field(default=None, ge=0)
    """Real seconds in which every request failed. Default: any."""
    state_is_true: bool = True
    """Whether Pulumi's state must name the configuration that serves, after every up but one whose
    engine was stopped from outside."""
    versions_at_end: tuple[str, ...] | None = None
    """Versions that answer requests sent after the last `pulumi up` has ended. Default: any."""
    only_known_answers: bool = True
    """Whether every answer must be one that a deployed version really gives."""
    instances_at_end: Count | None = Field(default=None, ge=0)
    """Instances that serve. Default: any number."""
    scaling_kept: bool = False
    """Whether scalable targets, policies and scheduled actions must be as after the first up."""
    shadow_differs_in: tuple[str, ...] | None = None
    """Fields, such as `predictions.label`, in which the shadow's captured answers must differ from
    production's; in all others they must agree. Default: nobody compares."""
    nothing_left: bool = False
    """Whether only the live fleet, the live and the remembered configurations and the alarms of
    the spec may exist at the end, and no process of an engine."""
    next_up_changes_nothing: bool = False
    """Whether one more `pulumi up` must find nothing to do, with the last spec that was deployed
    with success."""
    next_up_leaves_endpoint: bool = False
    """The same of the endpoint alone, as after a roll-back: tags and the artifact, which a failed
    up has changed before, may go back."""


class Scenario(Part):
    """One rehearsal."""

    name: Name
    """For the report's folder; letters, digits and hyphens."""
    description: str = ""
    """What it shows, in a sentence or two."""
    spec: str | dict[str, Any]
    """A spec file, relative to the scenario's folder, or a spec written here."""
    environment: str = "local"
    """Whose overrides of the spec are laid over its base."""
    program: str | None = None
    """A folder with a Pulumi project of your own, relative to the scenario's folder; `spec` must
    then be a file inside it. Default: a program of one platform and one deployment."""
    time_scale: Number = Field(default=60.0, gt=0, le=1000)
    """Virtual seconds per real second."""
    traffic: Traffic | None = Traffic()
    """What clients send; null: nothing."""
    change: Up
    """What is rehearsed."""
    then: tuple[Up, ...] = ()
    """Further ups, one after the other. Default: none."""
    tail_seconds: Number = Field(default=0.5, ge=0, le=60)
    """Real seconds for which traffic goes on after the last up."""
    expect: Expectation = Expectation()
    """What must be true of the whole."""

    @field_validator("spec", mode="before")
    @classmethod
    def _one_or_the_other(cls, value: Any) -> Any:
        # A union's own message would tell of each choice as if both were wanted.
        if not isinstance(value, str | dict):
            raise PydanticCustomError(
                "spec_form", "must be a path or a mapping of fields to values"
            )
        return value

    @property
    def ups(self) -> tuple[Up, ...]:
        """Every up after the first one."""
        return (self.change, *self.then)
