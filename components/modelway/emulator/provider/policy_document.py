"""The function `aws:iam/getPolicyDocument`: statements in, policy JSON out.

Pure. It writes what the official provider writes, to the letter, since programs compare and hash
the result (hashicorp/terraform-provider-aws: internal/service/iam/policy_model.go and
policy_document_data_source.go): one action stands alone, several are sorted in reverse, conditions
keep their order, `&{` becomes `${`.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelway.errors import EmulatorError

Document = dict[str, Any]
_LISTS = (
    ("actions", "Action"),
    ("notActions", "NotAction"),
    ("resources", "Resource"),
    ("notResources", "NotResource"),
)


def policy_document(args: Mapping[str, Any]) -> Document:
    """Give the function's result.

    Raises:
        EmulatorError: a `sid` is used twice, or a source document is no JSON.
    """
    merged: Document = {"Version": "", "Id": "", "Statement": []}
    sids: set[str] = set()
    for index, text in enumerate(args.get("sourcePolicyDocuments") or ()):
        source = _parsed(text, f"source document {index}")
        _reject_duplicates(source["Statement"], sids, f"source document {index}")
        _merge(merged, source)
    version = args.get("version") or "2012-10-17"
    own = [_statement(statement, version) for statement in args.get("statements") or ()]
    _reject_duplicates(own, set(), "the statements")
    _merge(merged, {"Version": version, "Id": args.get("policyId") or "", "Statement": own})
    for index, text in enumerate(args.get("overridePolicyDocuments") or ()):
        _merge(merged, _parsed(text, f"override document {index}"))
    plain = {name: value for name, value in merged.items() if value}
    text = _go_json(json.dumps(plain, indent=2))
    return {
        **{name: value for name, value in args.items() if value is not None},
        "version": version,
        "json": text,
        "minifiedJson": _go_json(json.dumps(plain, separators=(",", ":"))),
        "id": str(_hash(text)),
    }


def _statement(given: Mapping[str, Any], version: str) -> Document:
    made: Document = {}
    if given.get("sid"):
        made["Sid"] = given["sid"]
    made["Effect"] = given.get("effect") or "Allow"
    for name, member in _LISTS:
        values = sorted(set(given.get(name) or ()), reverse=True)
        if values:
            replaced = values if name in {"actions", "notActions"} else _replaced(values, version)
            made[member] = _single(replaced)
    for name, member in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if given.get(name):
            made[member] = _principals(given[name], version)
    if given.get("conditions"):
        made["Condition"] = _conditions(given["conditions"], version)
    return made


def _principals(given: Sequence[Mapping[str, Any]], version: str) -> Any:
    if len(given) == 1 and given[0]["type"] == "*" and list(given[0]["identifiers"]) == ["*"]:
        return "*"
    made: dict[str, list[str]] = {}
    for principal in given:
        names = sorted(set(principal["identifiers"]), reverse=True)
        made.setdefault(principal["type"], []).extend(_replaced(names, version))
    return {kind: _single(names) for kind, names in sorted(made.items())}


def _conditions(given: Iterable[Mapping[str, Any]], version: str) -> Document:
    made: dict[str, dict[str, list[str]]] = {}
    for condition in given:
        values = made.setdefault(condition["test"], {}).setdefault(condition["variable"], [])
        values.extend(_replaced(condition["values"], version))
    return {
        test: {variable: _single(values) for variable, values in sorted(variables.items())}
        for test, variables in sorted(made.items())
    }


def _replaced(values: Iterable[str], version: str) -> list[str]:
    found = list(values)
    if version == "2008-10-17" and any("&{" in value for value in found):
        raise EmulatorError(
            f"writing IAM Policy Document: found &{{ sequence in {found}, which is not supported "
            f"in document version 2008-10-17"
        )
    return [value.replace("&{", "${") for value in found]


def _single(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else values


def _parsed(text: str, what: str) -> Document:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise EmulatorError(f"writing IAM Policy Document: merging {what}: {error}") from error
    statements = document.get("Statement") or []
    return {
        "Version": document.get("Version", ""),
        "Id": document.get("Id", ""),
        "Statement": statements if isinstance(statements, list) else [statements],
    }


def _merge(merged: Document, new: Document) -> None:
    merged["Id"] = new["Id"] or merged["Id"]
    merged["Version"] = max(merged["Version"], new["Version"])
    for statement in new["Statement"]:
        sid = statement.get("Sid")
        for index, existing in enumerate(merged["Statement"]):
            if sid and existing.get("Sid") == sid:
                merged["Statement"][index] = statement
                break
        else:
            merged["Statement"].append(statement)


def _reject_duplicates(statements: Iterable[Document], seen: set[str], what: str) -> None:
    for statement in statements:
        sid = statement.get("Sid")
        if sid and sid in seen:
            raise EmulatorError(
                f"writing IAM Policy Document: duplicate Sid ({sid}) in {what}; remove it or make "
                f"every Sid unique"
            )
        if sid:
            seen.add(sid)


def _go_json(text: str) -> str:
    """Escape as Go's encoding/json does, which keeps markup out of JSON."""
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _hash(text: str) -> int:
    """Give Terraform's hash of a string, which is its id (internal/create/hashcode.go)."""
    return zlib.crc32(text.encode())
