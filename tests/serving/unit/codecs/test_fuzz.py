"""Every decoder on damaged bodies: it answers, or refuses with an error of its own."""

import importlib.util
import random
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "fuzz_decoders", Path(__file__).with_name("fuzz_decoders.py")
)
fuzz_decoders = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzz_decoders)

WORDS = [b"[", b"]", b"{", b"}", b",", b'"', b"null", b"-1", b"1e999", b"\0", b"\xff", b"9" * 25]


def damaged(good, chance):
    """Change a few places of a good body."""
    body = bytearray(good)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(body) + 1)
        kind = chance.randrange(5)
        if kind == 0 and body:
            body[place % len(body)] = chance.randrange(256)
        elif kind == 1:
            body[place:place] = chance.choice(WORDS)
        elif kind == 2:
            del body[place : place + chance.randint(1, 8)]
        elif kind == 3:
            body[place:place] = body[place : place + chance.randint(1, 30)]
        else:
            body[place : place + 4] = chance.randbytes(4)
    return bytes(body)


@pytest.mark.parametrize("name", fuzz_decoders.TARGETS)
def test_damaged_bodies_are_taken_or_refused(name):
    target, good = fuzz_decoders.TARGETS[name]
    chance = random.Random(name)  # damage, not secrets

    taken = [fuzz_decoders.run(target, damaged(good, chance)) for _ in range(1500)]

    assert fuzz_decoders.run(target, good)
    assert not all(taken)
