"""A model's way as the README tells it, from training and approval through every stack and back.

The real engine and real servers; what each stack serves is asked of AWS, not of modelway.
"""

import re

import numpy as np
import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("promotion"),
    # The first test that runs may wait for the whole way, with twelve runs of the engine.
    pytest.mark.timeout(900),
]

STACKS = ["dev", "staging", "prod"]
NOTHING_CHANGES = re.compile(r"Resources:\n    \d+ unchanged\n")


def same(one, other):
    return one[0] == other[0] and np.array_equal(one[1], other[1])


def fields(told):
    """Give the fields in which a refused preview says that something differs."""
    return sorted({*re.findall(r"^\s*(\S+): the record says", told, re.MULTILINE)})


def test_a_version_that_nobody_approved_is_neither_released_nor_deployed(waiting, program):
    refusal = "resolving flowers@approved: no version of the group flowers is approved (1 is Pend"

    assert waiting.version["status"] == "PendingManualApproval"
    assert refusal in waiting.release
    assert refusal in waiting.preview
    assert "Whoever may approve one runs `modelway approve flowers/VERSION`" in waiting.preview
    assert not [path for path in waiting.files if "dev" in path.parts]


def test_a_package_is_registered_once_with_digest_signer_and_metrics(waiting, program):
    key_id = program.json("modelway verify flowers-1 --key trusted.pem")["key_id"]

    assert waiting.version["version"] == "flowers/1"
    assert waiting.version["package"] == waiting.package.digest
    assert waiting.version["signed_by"] == key_id
    assert waiting.again == waiting.version | {"new": False}


def test_an_image_that_nobody_attested_or_scanned_is_not_promoted_to_prod(unproven, image):
    digest = image.partition("@")[2]

    assert [*unproven.failed] == ["evidence: provenance", "provenance", "scan"]
    assert unproven.failed["provenance"] == (
        f"the image {digest} has no provenance; make it with `modelway image provenance`, and give "
        "it with --evidence provenance=FILE"
    )
    assert unproven.failed["scan"].startswith("the image was not scanned; run `aws ecr start-image")
    assert unproven.said.endswith("\nflowers is not promoted to prod; nothing was written\n")


def test_an_attested_image_with_a_finding_above_the_policy_is_not_either(vulnerable):
    assert vulnerable.failed == {
        "scan": "CVE-2026-1 (HIGH); medium is the highest that may pass",
    }


def test_every_stack_answers_as_onnxruntime_does(first):
    assert [same(first.stacks[name].answers, first.expected) for name in STACKS] == [True] * 3


def test_image_and_model_are_the_same_in_every_stack_and_record(first, image):
    stacks = [first.stacks[name] for name in STACKS]
    (record,), *others = [each.records for each in stacks]

    assert {each.image for each in stacks} == {image}
    assert record["image"] == image.partition("@")[2]
    model = record["models"]["primary"].removeprefix("sha256:")
    assert {each.archive_key for each in stacks} == {f"models/flowers/{model}/model.tar.gz"}
    assert len({each.archive_sha256 for each in stacks}) == 1
    assert record["packages"] == {"primary": first.package.digest}
    digests = ("image", "models", "packages", "spec", "plans")
    for (other,) in others:
        assert [other[each] for each in digests] == [record[each] for each in digests]
    assert [each.instance_type for each in stacks] == [
        "ml.m5.large",
        "ml.m5.xlarge",
        "ml.c5.xlarge",
    ]


def test_each_record_names_the_one_that_it_was_promoted_from_and_its_evidence(first):
    (dev,), (staging,), (prod,) = [first.stacks[name].records for name in STACKS]

    assert dev["promoted_from"] is None
    assert staging["promoted_from"]["stack"] == "dev"
    assert prod["promoted_from"]["stack"] == "staging"
    assert [each["kind"] for each in staging["evidence"]] == ["parity", "rehearsal", "tests"]
    kinds = ["bake", "parity", "provenance", "rehearsal", "tests"]
    assert [each["kind"] for each in prod["evidence"]] == kinds


def test_every_server_verified_the_package_with_the_key_that_the_spec_trusts(first, program):
    key_id = program.json("modelway verify flowers-1 --key trusted.pem")["key_id"]
    trusted = (program.directory / "trusted.pem").read_text()

    for name in STACKS:
        seen = first.stacks[name]
        assert seen.environment == {"MODEL_SERVER_TRUSTED_KEYS": trusted}
        loaded = {(line["package"], line["signed_by"]) for line in seen.loaded}
        assert loaded == {(first.package.digest, key_id)}


def test_another_up_of_each_stack_changes_nothing(another_up):
    assert [bool(NOTHING_CHANGES.search(said)) for said in another_up] == [True] * 3


def test_a_spec_that_was_changed_by_hand_is_refused_with_the_fields(refused):
    assert "deploying flowers in prod: release 0001-" in refused["spec"]
    assert fields(refused["spec"]) == ["plans.prod", "spec"]


def test_an_image_that_is_not_the_records_is_refused(refused, image):
    digest = image.partition("@")[2]

    said = f"image: the record says {digest}, here it is sha256:{'9' * 64}"
    assert said in refused["image"]
    assert fields(refused["image"]) == ["image", "plans.prod", "spec"]


def test_a_record_that_was_edited_by_hand_is_refused(refused, program):
    record = program.on("prod").record_files()[0]

    assert (
        "the release records of flowers in stack prod: they are not as modelway wrote"
        in (refused["record"])
    )
    assert f"{record}: was edited: its digest begins with" in refused["record"]


def test_a_provenance_that_was_edited_by_hand_is_refused(refused, program):
    assert "deploying release 0001-" in refused["provenance"]
    assert "reading the provenance " in refused["provenance"]
    assert "was changed; restore it from git" in refused["provenance"]


def test_while_an_alarm_of_the_source_fires_nothing_is_promoted_or_written(alarm):
    assert alarm.said.endswith("\nflowers is not promoted to staging; nothing was written\n")
    assert [*alarm.failed] == ["alarms"]
    assert alarm.failed["alarms"].startswith("flowers-dev-too-few-flowers fires: ")


def test_a_stack_with_a_record_keeps_its_package_whatever_is_approved_since(pinned, listed, first):
    assert NOTHING_CHANGES.search(pinned)
    assert f"flowers@approved is version 1, package {first.package.digest}, Approved" in pinned
    assert [(each["version"], each["status"]) for each in listed] == [
        ("flowers/2", "Approved"),
        ("flowers/1", "Approved"),
    ]
    assert {each["reason"] for each in listed} == {"seen and good"}
    assert all(each["decided_by"].startswith("arn:aws:") for each in listed)


def test_quiet_again_the_next_version_goes_through_every_stack(first, second, image):
    assert not same(second.expected, first.expected)
    for name in STACKS:
        seen = second.stacks[name]
        assert same(seen.answers, second.expected)
        assert [record["number"] for record in seen.records] == [1, 2]
        assert seen.image == image
        assert seen.loaded[-1]["package"] == second.package.digest
    assert len({seen.archive_sha256 for seen in second.stacks.values()}) == 1


def test_prod_goes_back_to_version_1_and_another_up_changes_nothing(first, second, back):
    assert same(back.stacks["prod"].answers, first.expected)
    assert same(back.stacks["staging"].answers, second.expected)
    one, two, three = back.stacks["prod"].records
    assert two["previous"] == three["rollback"]["to"]
    for each in ("image", "models", "packages"):
        assert three[each] == one[each]
    assert "recorded as stacks/releases/prod/flowers/0003-" in back.said
    assert NOTHING_CHANGES.search(back.another_up)


def test_what_is_live_is_told_after_it_all(back):
    rows = [(row["stack"], row["release"][:4], row["origin"][:12]) for row in back.releases]
    live = [row["live"] for row in back.releases]

    assert list(zip(rows, live, strict=True)) == [
        (("dev", "0002", "spec"), "live"),
        (("dev", "0001", "spec"), ""),
        (("prod", "0003", "back to 0001"), "live"),
        (("prod", "0002", "staging 0002"), ""),
        (("prod", "0001", "staging 0001"), ""),
        (("staging", "0002", "dev 0002"), "live"),
        (("staging", "0001", "dev 0001"), ""),
    ]


def test_the_image_was_pushed_once_with_what_attests_it_and_never_again(first, back, image):
    pushed = [(repository, digest) for repository, digest, _at in first.pushed]

    assert ("models", image.partition("@")[2]) in pushed
    assert [repository for repository, _digest in pushed] == ["models"] * 3
    assert back.pushed == first.pushed
