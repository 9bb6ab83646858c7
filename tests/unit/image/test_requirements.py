"""Files of pinned packages: what is read, and what is refused. Pure."""

import pytest

from modelway.image.requirements import added, conflicts, read_pins, unmet

ONE = "sha256:" + "1" * 64
TWO = "sha256:" + "2" * 64


def pins(text):
    found, faults = read_pins(text)
    assert faults == []
    return found


def test_a_pin_is_read_with_continued_lines_comments_and_hashes_in_any_order():
    text = f"# made by uv\nTiny_DB==4.8.2 \\\n    --hash={TWO} \\\n    --hash={ONE}\n    # via me\n"

    (pin,) = pins(text)

    assert (pin.name, pin.version, pin.hashes, pin.line) == ("tiny-db", "4.8.2", (ONE, TWO), 2)


def test_the_form_that_is_hashed_has_no_comment_and_no_order_of_the_file():
    first = pins(f"b==2 --hash={ONE}\na==1 ; python_version < '3.12' --hash={TWO} --hash={ONE}\n")
    second = pins(
        f"# other\na==1 ; python_version < '3.12' \\\n  --hash={ONE} --hash={TWO}\n\n"
        f"b==2 --hash={ONE}"
    )

    assert added(first, []) == added(second, [])
    assert added(first, []) == (
        f'a==1 ; python_version < "3.12" --hash={ONE} --hash={TWO}\nb==2 --hash={ONE}\n'
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("tinydb==4.8.2", "tinydb has no hash"),
        (f"tinydb>=4 --hash={ONE}", "tinydb is not pinned to one version with =="),
        (f"tinydb==4.* --hash={ONE}", "tinydb is not pinned to one version with =="),
        (f"tinydb --hash={ONE}", "tinydb is not pinned to one version with =="),
        ("tinydb==4 --hash=md5:12", "tinydb has the hash 'md5:12', which is no SHA-256"),
        (f"tinydb @ https://host/t.whl --hash={ONE}", "tinydb comes from an address"),
        ("--index-url elsewhere", "is an option; only pinned packages are taken"),
        ("-r other.txt", "is an option; only pinned packages are taken"),
        ("-e .", "is an option; only pinned packages are taken"),
        ("./folder", "is no requirement"),
        (f"tinydb==4 --hash={ONE} --config-settings=x", "is an option; only pinned packages"),
    ],
)
def test_a_line_that_could_install_something_else_is_refused_with_its_number(line, why):
    found, faults = read_pins(f"good==1 --hash={ONE}\n\n{line}\n")

    assert [pin.name for pin in found] == ["good"]
    (fault,) = faults
    assert fault.line == 3
    assert why in fault.message


def test_a_package_that_the_server_has_at_another_version_is_refused_with_both():
    server = pins(f"numpy==2.4.6 --hash={ONE}")

    (fault,) = conflicts(pins(f"numpy==2.3.0 --hash={TWO}"), server)

    assert fault.message == (
        "numpy 2.3.0 is not the numpy 2.4.6 that the model server is locked to"
    )


def test_a_package_that_the_server_has_at_the_same_version_adds_nothing():
    server = pins(f"numpy==2.4.6 --hash={ONE}")
    own = pins(f"numpy==2.4.6 --hash={ONE}\ntinydb==4 --hash={TWO}")

    assert conflicts(own, server) == []
    assert added(own, server) == f"tinydb==4 --hash={TWO}\n"


def test_a_package_given_twice_is_refused():
    (fault,) = conflicts(pins(f"a==1 --hash={ONE}\na==2 --hash={ONE}"), [])

    assert (fault.line, fault.message) == (2, "a is given twice, first in line 1")


def test_wanted_packages_that_the_pins_do_not_hold_are_told():
    locked = pins(f"tinydb==4.8.2 --hash={ONE}\nother==2 --hash={ONE}")

    assert list(unmet(["tinydb>=4", "other<2", "absent", "??", "a @ https://h/a.whl"], locked)) == [
        (1, "does not allow the pinned version 2"),
        (2, "is not in the file of pinned packages"),
        (3, unmet_text(locked)),
        (4, "names an address; packages come from an index, by version and hash"),
    ]


def unmet_text(locked):
    ((_, text),) = unmet(["??"], locked)
    assert text.startswith("is no requirement")
    return text
