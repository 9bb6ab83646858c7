"""The files of a scaffolded repository, made of templates.

Takes `Choices`, gives contents by path: the same choices, the same bytes. A template is a file
under templates/ whose name ends in `.template`; `@WORD@` in it is replaced. Must not write.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from modelway.errors import ScaffoldError
from modelway.scaffold.choices import SPEC, Choices

TEMPLATES = Path(__file__).with_name("templates")

PACKAGED = Path(__file__).with_name("_workflows")
"""The reusable workflows inside the wheel (pyproject.toml, force-include)."""

REUSABLE = "modelway-*.yml"

_SUFFIX = ".template"
_PARTS = "parts"
"""The folder of templates that become part of others."""
_PER_STACK = "stacks/Pulumi.STACK.yaml"
_HIDDEN = {"gitignore": ".gitignore", "github": ".github"}
"""Names that would mean something to git and to GitHub here, and what they are in the result."""
_WORD = re.compile(r"@([A-Z_]+)@")


def repository_files(choices: Choices) -> dict[str, bytes]:
    """Give the content of every file, by its path with `/`, in the order of paths."""
    words = _words(choices)
    found = dict(_rendered(choices, words))
    if choices.workflows is None:
        for path in sorted(workflows_directory().glob(REUSABLE)):
            found[f".github/workflows/{path.name}"] = path.read_bytes()
    return dict(sorted(found.items()))


def workflows_directory() -> Path:
    """Give the reusable workflows: the copy in the installed package, or the repository's own.

    Raises:
        ScaffoldError: neither is there.
    """
    repository = Path(__file__).resolve().parents[3] / ".github" / "workflows"
    for folder in (PACKAGED, repository):
        if any(folder.glob(REUSABLE)):
            return folder
    raise ScaffoldError(
        "finding the reusable workflows: they are neither in the installed package "
        f"({PACKAGED}) nor in a repository around it ({repository}); install modelway again"
    )


def _rendered(choices: Choices, words: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path for path in TEMPLATES.rglob("*") if path.is_file()):
        relative = file.relative_to(TEMPLATES).as_posix()
        if relative.startswith(f"{_PARTS}/"):
            continue
        path = _path(relative.removesuffix(_SUFFIX), choices.name)
        if not relative.endswith(_SUFFIX):
            yield path, file.read_bytes()
            continue
        content = _filled(file.read_text(encoding="utf-8"), words).encode()
        if path == _PER_STACK:
            yield from ((path.replace("STACK", stack), content) for stack in choices.stacks)
        else:
            yield path, content


def _path(relative: str, name: str) -> str:
    """Give where a template's file goes."""
    first, *rest = PurePosixPath(relative).parts
    return "/".join([_HIDDEN.get(first, first), *rest]).replace("NAME", name)


def _words(choices: Choices) -> dict[str, str]:
    """Give what stands for each word."""
    stacks = choices.stacks
    place, _at, commit = (choices.workflows or "").partition("@")
    words = {
        "NAME": choices.name,
        "REGION": choices.region,
        "VERSION": version("modelway"),
        "WORKFLOWS": f"{place}/.github/workflows" if place else "./.github/workflows",
        "REF": f"@{commit}" if commit else "",
        "FIRST": stacks[0],
        "LAST": stacks[-1],
        "STACKS": " ".join(stacks),
        "STACKS_JSON": json.dumps(stacks),
        "STACKS_TOLD": ", ".join(f"`{stack}`" for stack in stacks),
        "STACK_LIST": ", ".join(stacks),
        "SOURCES": ", ".join([SPEC, *stacks[:-1]]),
        "IN_ORDER": ", then ".join(stacks),
        "ENVIRONMENTS": "\n".join(f"  {stack}: {{}}" for stack in stacks),
        "POLICY": "\n".join(_policy(stacks)),
    }
    return words | {"DEPLOYMENTS": _deployments(stacks, words)}


def _policy(stacks: tuple[str, ...]) -> Iterator[str]:
    """Give a policy: each stack takes releases from the one before it."""
    yield f"  {stacks[0]}:"
    yield "    evidence: [tests, rehearsal] # must be there and have passed"
    for before, stack in itertools.pairwise(stacks):
        yield f"  {stack}:"
        yield f"    promote_from: {before} # and nothing is deployed here without a record"
        yield "    evidence: [tests, rehearsal]"
        yield f"    bake_seconds: 3600 # so long {before} serves it without an alarm"


def _deployments(stacks: tuple[str, ...], words: Mapping[str, str]) -> str:
    """Give the jobs that deploy, each after the one before."""
    part = (TEMPLATES / _PARTS / f"deployment.yml{_SUFFIX}").read_text(encoding="utf-8")
    befores = ("", *stacks)
    jobs = [
        _filled(part, {**words, "STACK": stack, "NEEDS": f"due, {before}" if before else "due"})
        for before, stack in zip(befores, stacks, strict=False)
    ]
    return "".join(jobs).rstrip("\n")


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _WORD.sub(lambda found: words[found[1]], text)
