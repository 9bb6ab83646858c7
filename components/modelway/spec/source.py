"""Read one spec file: plain data, and the line of every value.

Takes a path, gives a `Source`. Finds what YAML itself forbids or hides: syntax errors, a key given
twice, several documents, an alias that contains itself. Must not know what a spec is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from modelway.errors import Problem, SpecError
from modelway.spec.paths import Loc, path_parts, path_text

YAML_SOURCE = "YAML"
"""The source of rules that every YAML file follows."""


@dataclass(frozen=True)
class Source:
    """A file as read."""

    file: str
    """As the user named it."""
    data: Mapping[Any, Any]
    """The file's only document, a mapping."""
    lines: Mapping[Loc, int]
    """The line of every key and list item, counted from 1."""

    def place(self, problem: Problem) -> Problem:
        """Add the file, and the line of the field or of what should hold it."""
        parts = path_parts(problem.path)
        while parts and parts not in self.lines:
            parts = parts[:-1]
        return Problem(
            path=problem.path,
            message=problem.message,
            value=problem.value,
            allowed=problem.allowed,
            source=problem.source,
            file=self.file,
            line=self.lines.get(parts, 1),
        )


def read_source(path: Path, kind: str = "spec") -> Source:
    """Read a file.

    Args:
        path: the file.
        kind: what it should be, for the messages. Default: a spec.

    Raises:
        SpecError: the file is missing, cannot be read, is not UTF-8 or not one YAML mapping, or a
            key occurs twice. All repeated keys are told at once.
    """
    file = str(path)
    text = _text(path, kind)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise SpecError([_problem(file, "is empty", 1, "a mapping that begins with `name:`")])
        if not isinstance(node, yaml.MappingNode):
            found = "a list" if isinstance(node, yaml.SequenceNode) else "a single value"
            raise SpecError(
                [
                    _problem(
                        file,
                        f"holds {found}, not a {kind}",
                        1,
                        "a mapping that begins with `name:`",
                    )
                ]
            )
        walk = _Walk(file)
        walk.mapping(node, ())
        if walk.problems:
            raise SpecError(walk.problems)
        data = cast("Mapping[Any, Any]", loader.construct_document(node))  # pyright: ignore[reportUnknownMemberType]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        parts = (error.context, error.problem)
        message = "is not valid YAML: " + ", ".join(part for part in parts if part)
        raise SpecError([_problem(file, message, line)]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError([_problem(file, f"is not valid YAML: {error}", None)]) from None
    finally:
        loader.dispose()  # pyright: ignore[reportUnknownMemberType]
    return Source(file, data, walk.lines)


def _text(path: Path, kind: str) -> str:
    """Read the file's text, or say why it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        problem = _problem(str(path), f"does not exist; give the path of a {kind} file", None)
    except IsADirectoryError:
        problem = _problem(str(path), f"is a folder; give the path of a {kind} file", None)
    except UnicodeDecodeError as error:
        problem = _problem(
            str(path), f"is not UTF-8 text: {error.reason} at byte {error.start}", None
        )
    except OSError as error:
        problem = _problem(str(path), f"cannot be read: {error.strerror}", None)
    raise SpecError([problem])


def _problem(file: str, message: str, line: int | None, allowed: str = "") -> Problem:
    """Make a problem of the whole file."""
    return Problem("(file)", message, None, allowed, YAML_SOURCE if line else "", file, line)


@dataclass
class _Walk:
    """Visits every node once for each place it has."""

    file: str
    lines: dict[Loc, int] = field(default_factory=dict[Loc, int])
    problems: list[Problem] = field(default_factory=list[Problem])
    _open: list[yaml.Node] = field(default_factory=list[yaml.Node])

    def mapping(self, node: yaml.MappingNode, loc: Loc) -> None:
        """Visit a mapping; the line of a merged-in key (`<<`) is where it is really written."""
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = str(cast("object", key.value))
            line = key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:merge":
                self._merged(value, loc)
                continue
            here = (*loc, name)
            if name in seen:
                self._report(here, f"is given twice, first in line {seen[name]}", line)
                continue
            seen[name] = line
            self.lines[here] = line
            self._value(value, here, line)

    def _merged(self, node: yaml.Node, loc: Loc) -> None:
        """Visit what `<<` brings in; keys beside it come later and win."""
        for mapping in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(mapping, yaml.MappingNode):
                self.mapping(mapping, loc)

    def _value(self, node: yaml.Node, loc: Loc, line: int) -> None:
        """Visit whatever is at a place."""
        if any(node is other for other in self._open):
            self._report(loc, "is an alias that contains itself", line)
            return
        self._open.append(node)
        if isinstance(node, yaml.MappingNode):
            self.mapping(node, loc)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.lines[(*loc, index)] = item.start_mark.line + 1
                self._value(item, (*loc, index), item.start_mark.line + 1)
        self._open.pop()

    def _report(self, loc: Loc, message: str, line: int) -> None:
        self.problems.append(
            Problem(path_text(loc), message, None, "", YAML_SOURCE, self.file, line)
        )
