"""What a stack's records say of the models that its spec names in a registry."""

import pytest

from modelway.errors import PromotionError
from modelway.promotion.apply import pinned
from modelway.promotion.ledger import KEYS
from modelway.registry import Pins

ONE, TWO, CONTENT = (f"sha256:{letter * 64}" for letter in "123")


@pytest.fixture
def kept(records):
    """The records of a folder whose trusted keys are files, as a program reads them."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    folder = records.folder / KEYS
    folder.mkdir(parents=True, exist_ok=True)
    for name, key in records.trusted.items():
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pem").write_bytes(pem)
    return records


def test_without_records_nothing_is_pinned(kept):
    assert pinned(kept.folder, "prod", "fraud") == Pins()


def test_the_newest_record_pins_its_packages(kept):
    kept.write(packages={"primary": ONE})
    kept.write(packages={"primary": TWO})

    assert pinned(kept.folder, "prod", "fraud") == Pins({"primary": TWO})


def test_a_stack_that_went_back_keeps_what_its_spec_stands_for_without_deploying_it(kept):
    first = kept.write(packages={"primary": ONE})
    kept.write(packages={"primary": TWO})
    kept.write(packages={"primary": ONE}, rollback={"to": first.id, "content": CONTENT})

    assert pinned(kept.folder, "prod", "fraud") == Pins({"primary": TWO}, deployed=False)


def test_a_stack_whose_spec_leads_back_by_itself_deploys_it(kept):
    kept.write(packages={"primary": ONE})
    second = kept.write(packages={"primary": TWO})
    kept.write(packages={"primary": TWO}, rollback={"to": second.id, "content": None})

    assert pinned(kept.folder, "prod", "fraud") == Pins({"primary": TWO})


def test_records_that_were_edited_pin_nothing_and_are_refused(kept):
    path = kept.write(packages={"primary": ONE}).path
    path.write_text(path.read_text().replace("1" * 64, "9" * 64))

    with pytest.raises(PromotionError, match="was edited"):
        pinned(kept.folder, "prod", "fraud")
