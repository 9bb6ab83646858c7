"""Which version a reference stands for, and which are refused."""

from dataclasses import replace

import pytest

from modelway.errors import ModelRegistryError
from modelway.registry import Status
from modelway.registry.resolve import resolve
from modelway.spec.registry import parse_reference


def resolved(registry, reference, pinned=None, **options):
    return resolve(registry, parse_reference(reference), pinned, **options).number


def test_a_number_is_that_version(registry, register):
    register("1")
    register("2")

    assert resolved(registry, "fraud/1") == 1


def test_approved_is_the_newest_version_that_is_approved(registry, register):
    register("1")
    register("2")
    register("3", Status.REJECTED)
    register("4", None)

    assert resolved(registry, "fraud@approved") == 2


def test_a_release_record_pins_the_package_whatever_was_approved_since(registry, register):
    first = register("1")
    register("2")

    assert resolved(registry, "fraud@approved", first.package) == 1


def test_a_pin_does_not_change_what_a_number_means(registry, register):
    first = register("1")
    register("2")

    assert resolved(registry, "fraud/2", first.package) == 2


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (None, "version 1 of the group fraud is PendingManualApproval, and only approved"),
        (Status.REJECTED, 'is Rejected by lead ("because"), and only approved'),
    ],
)
def test_a_version_that_is_not_approved_is_refused_with_the_command(
    registry, register, status, said
):
    register("1", status)

    with pytest.raises(ModelRegistryError) as refused:
        resolved(registry, "fraud/1")

    assert said in str(refused.value)
    assert "`modelway approve fraud/1`" in str(refused.value)


def test_a_pinned_version_that_was_rejected_since_is_refused(registry, register):
    rejected = register("1", Status.REJECTED)
    register("2")

    with pytest.raises(ModelRegistryError, match="version 1 of the group fraud is Rejected"):
        resolved(registry, "fraud@approved", rejected.package)


def test_what_a_stack_goes_back_from_need_not_be_approved(registry, register):
    rejected = register("1", Status.REJECTED)

    assert resolved(registry, "fraud@approved", rejected.package, deployed=False) == 1


def test_nothing_approved_is_told_with_what_there_is(registry, register):
    register("1", Status.REJECTED)
    register("2", None)

    with pytest.raises(
        ModelRegistryError,
        match=r"no version of the group fraud is approved \(2 is PendingManualApproval, 1 is Rej",
    ):
        resolved(registry, "fraud@approved")


def test_a_package_that_the_registry_lost_is_told(registry, register):
    register("1")

    with pytest.raises(ModelRegistryError, match="no version of the group fraud has it"):
        resolved(registry, "fraud@approved", f"sha256:{'0' * 64}")


def test_a_version_that_another_tool_registered_is_refused(registry, register):
    registry.kept[:] = [replace(register("1"), package="")]

    with pytest.raises(ModelRegistryError, match="was not registered by modelway"):
        resolved(registry, "fraud@approved")


@pytest.mark.parametrize("text", ["fraud", "fraud/0", "fraud@latest", "-fraud/1", "fraud/01", ""])
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(ValueError, match="neither GROUP/VERSION nor GROUP@approved"):
        parse_reference(text)


@pytest.mark.parametrize("text", ["fraud/3", "a-b-1@approved"])
def test_a_reference_is_written_as_it_is_read(text):
    assert str(parse_reference(text)) == text
