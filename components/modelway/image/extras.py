"""What a spec adds to the model server's image: pinned packages and a handler.

Takes the image of a spec, reads the files that it names, gives `Extras`, or every problem as the
spec's fields have it. Must not install or build anything, and must not run the handler.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from modelway.errors import Problem, SpecError
from modelway.image.context import server_requirements
from modelway.image.requirements import Pin, added, conflicts, read_pins, unmet
from modelway.plan.model import Extras
from modelway.spec.image import ImageBuild

HANDLER_LIMIT_BYTES = 256 * 1024
"""Of the handler's file. It travels inside manifests of the emulator; code of this size is a
package, which belongs on an index."""

_LOCK = "run `modelway image lock SPEC`, which writes this file"


def read_extras(image: ImageBuild | str | None) -> Extras:
    """Give what is added to an image; nothing where the image is not built here.

    Raises:
        SpecError: with everything that is wrong with the files.
    """
    if not isinstance(image, ImageBuild):
        return Extras()
    problems = extras_problems(image)
    if problems:
        raise SpecError(problems)
    requirements = ""
    if image.requirements is not None:
        pins, _ = read_pins(_text(image.requirements))
        requirements = added(pins, server_pins(image.variant))
    code: dict[str, str] = {}
    if image.handler is not None:
        code[Path(image.handler).name] = _text(image.handler)
    return Extras(requirements, code)


def extras_problems(image: ImageBuild) -> list[Problem]:
    """Find everything that is wrong with the files that an image names."""
    return [*_requirement_problems(image), *_handler_problems(image)]


def server_pins(variant: str) -> list[Pin]:
    """Give the model server's own packages."""
    return read_pins(server_requirements(variant).read_text(encoding="utf-8"))[0]


def _requirement_problems(image: ImageBuild) -> Iterator[Problem]:
    if image.requirements is None:
        return
    path = Path(image.requirements)
    try:
        text = _text(image.requirements)
    except (OSError, UnicodeDecodeError) as error:
        yield _unreadable("image.requirements", path, error, _LOCK if image.packages else "")
        return
    pins, faults = read_pins(text)
    server = server_pins(image.variant)
    for fault in sorted([*faults, *conflicts(pins, server)], key=lambda each: each.line):
        yield Problem(
            path="image.requirements",
            message=f"line {fault.line} of {path.name}: {fault.message}",
            allowed=f"NAME==VERSION --hash=sha256:...; {_LOCK}",
            source="modelway: images are built from digests",
        )
    if faults:
        return
    for index, why in unmet(image.packages, [*pins, *server]):
        yield Problem(
            path=f"image.packages[{index}]",
            message=why,
            value=image.packages[index],
            allowed=_LOCK,
            source="modelway: images are built from digests",
        )


def _handler_problems(image: ImageBuild) -> Iterator[Problem]:
    if image.handler is None:
        return
    path = Path(image.handler)
    try:
        text = _text(image.handler)
    except (OSError, UnicodeDecodeError) as error:
        yield _unreadable("image.handler", path, error)
        return
    size = len(text.encode())
    if size > HANDLER_LIMIT_BYTES:
        yield Problem(
            path="image.handler",
            message=f"{path.name} has {size} bytes",
            allowed=f"at most {HANDLER_LIMIT_BYTES} bytes; put more code into a package",
            source="modelway",
        )
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = path.name if line is None else f"line {line} of {path.name}"
        yield Problem("image.handler", f"{where}: {error.args[0]}", source="Python")
        return
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    names |= {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
    imported = any(isinstance(node, ast.Import | ast.ImportFrom | ast.Assign) for node in tree.body)
    if not names & {"preprocess", "postprocess"} and not imported:
        yield Problem(
            path="image.handler",
            message=f"{path.name} defines neither `preprocess` nor `postprocess`",
            allowed="preprocess(body, content_type, context), postprocess(outputs, accept, "
            "context) or both",
            source="the model server",
        )


def _text(path: str) -> str:
    return Path(path).read_bytes().decode("utf-8")


def _unreadable(
    field: str, path: Path, error: OSError | UnicodeDecodeError, allowed: str = ""
) -> Problem:
    if isinstance(error, UnicodeDecodeError):
        return Problem(field, "is not UTF-8 text", str(path), allowed)
    return Problem(field, f"cannot be read: {error.strerror}", str(path), allowed)
