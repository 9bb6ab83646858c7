"""The model card: what a manifest says, as Markdown for people.

Takes a manifest, or what will be one, and gives text. It says nothing that the manifest does not
say, so a card is never out of date. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence

from modelway.package.manifest import Lineage, PackagedModel, Source
from modelway.spec.model_file import Tensor

UNKNOWN = "not stated"


def model_card(
    name: str,
    version: str,
    model: PackagedModel,
    source: Source,
    lineage: Lineage,
    licence: str | None,
    metrics: Mapping[str, float],
    environment: Mapping[str, str],
) -> str:
    """Write the card."""
    parts = [
        f"# {_text(name)} {_text(version)}",
        _table(
            ("", ""),
            (
                ("Licence", licence or UNKNOWN),
                ("Trained as", source.class_name or UNKNOWN),
                ("Saved as", source.format),
                *([] if model.variant is None else [("Optimised", model.variant)]),
                ("SHA-256 of the source", source.sha256),
                *([] if lineage.registered is None else [("Registered", str(lineage.registered))]),
                ("Training job", lineage.training_job or UNKNOWN),
                ("Data snapshot", lineage.data_snapshot or UNKNOWN),
            ),
        ),
        "## Metrics",
        _table(("metric", "value"), ((key, str(metrics[key])) for key in sorted(metrics)))
        if metrics
        else f"{UNKNOWN.capitalize()}.",
        "## Inputs",
        _tensors(model.inputs),
        "## Outputs",
        _tensors(model.outputs),
        "A size of -1 is an axis that varies; the first is that of the rows.",
        "## Environment",
        _table(("", "version"), ((key, environment[key]) for key in sorted(environment)))
        if environment
        else f"{UNKNOWN.capitalize()}.",
    ]
    return "\n\n".join(parts) + "\n"


def _tensors(tensors: Sequence[Tensor]) -> str:
    rows = ((each.name, each.datatype, str(list(each.shape))) for each in tensors)
    return _table(("name", "datatype", "shape"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: str) -> str:
    """Keep a value from being Markdown of its own."""
    flat = " ".join(value.split())
    for mark in ("\\", "|", "<", "`", "*", "_", "#"):
        flat = flat.replace(mark, f"\\{mark}")
    return flat
