"""What `release`, `promote`, `releases` and `rollback` share: options, approval, tables."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from modelway.promotion.gate import Rule
    from modelway.promotion.policy import StackPolicy
    from modelway.promotion.release import Approval
    from modelway.spec.image import ImageBuild

Project = Annotated[
    Path, typer.Option("--project", help="The folder of Pulumi.yaml.", metavar="DIR")
]
Spec = Annotated[
    Path | None,
    typer.Option("--spec", help="The spec file. Default: the one in `specs/` of this name."),
]
Keys = Annotated[
    Path | None,
    typer.Option("--keys", help="Trusted public keys. Default: `releases/keys`.", metavar="DIR"),
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        envvar="MODELWAY_RELEASE_KEY",
        help="The private key that signs: PEM, P-256. Its passphrase, if it has one, is read from "
        "MODELWAY_RELEASE_KEY_PASSPHRASE.",
        metavar="PEM",
    ),
]
Approver = Annotated[
    str | None,
    typer.Option(
        "--approver",
        envvar="MODELWAY_APPROVER",
        help="Who approves. Default: git's user.email.",
    ),
]
EvidenceFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--evidence",
        help="A file that speaks for the release: JUnit XML, or JSON with an `outcome`; may be "
        "repeated.",
        metavar="KIND=FILE",
    ),
]
Check = Annotated[
    bool, typer.Option("--check", help="Judge only: sign and write nothing; needs no key.")
]


def passphrase() -> str | None:
    """Give the key's passphrase, which never is an argument that others could see."""
    return os.environ.get("MODELWAY_RELEASE_KEY_PASSPHRASE")


def approval(approver: str | None) -> "Approval":
    """Give who approves, now, with the tools that are installed."""
    from modelway.errors import PromotionError
    from modelway.promotion.release import Approval, tools

    who = approver or _git_address()
    if not who:
        raise PromotionError(
            "recording a release: nobody approves it. Give --approver, or set git's user.email."
        )
    return Approval(who, datetime.now(UTC), tools())


def _git_address() -> str:
    command = ["git", "config", "user.email"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def scan_rules(policy: "StackPolicy", image: "str | ImageBuild | None") -> "list[Rule]":
    """Judge what ECR found in the image, where the policy asks; only then is AWS asked."""
    if policy.scan is None or image is None:
        return []
    from modelway.promotion.live import read_scan
    from modelway.promotion.scan import judge_scan, nowhere

    if not isinstance(image, str):
        return [nowhere()]
    return [judge_scan(read_scan(image), policy.scan)]


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to stdout; piped, without colour and without lines cut to a guessed width."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=240, no_color=True, highlight=False)
    table = Table(title=Text(title), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def print_rules(title: str, rules: Sequence["Rule"]) -> None:
    """Print every rule with its verdict."""
    cells = [(rule.name, "pass" if rule.passed else "FAIL", rule.found) for rule in rules]
    print_table(title, ("rule", "verdict", "found"), cells)


def plain_rules(rules: Sequence["Rule"]) -> list[dict[str, object]]:
    """Give the rules as JSON has them."""
    return [asdict(rule) for rule in rules]
