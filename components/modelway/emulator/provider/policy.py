"""When two JSON documents mean the same.

AWS gives policies back re-formatted and re-ordered; comparing text would show a change at every
`pulumi up`. The rules for policies are those that the official provider uses
(hashicorp/awspolicyequivalence): one string equals a list of it, lists of actions, resources and
principals have no order, an account number equals its root user, statements have no order.
"""

import json
import re
from typing import Any

_ACCOUNT = re.compile(r"^\d{12}$")
_UNORDERED = ("Action", "NotAction", "Resource", "NotResource")


def canonical_json(text: str) -> str:
    """Give one spelling for all JSON texts of the same content; other text comes back as it is."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


def canonical_policy(text: str) -> str:
    """Give one spelling for all policy documents of the same meaning."""
    try:
        document = json.loads(text)
    except ValueError:
        return text
    if not isinstance(document, dict):
        return canonical_json(text)
    statements = [_statement(entry) for entry in _listed(document.get("Statement", []))]
    statements.sort(key=_spelled)
    return _spelled({**document, "Statement": statements})


def _statement(statement: Any) -> Any:
    if not isinstance(statement, dict):
        return statement
    plain = {name: value for name, value in statement.items() if value not in ("", [], {})}
    for name in _UNORDERED:
        if name in plain:
            plain[name] = sorted(map(str, _listed(plain[name])))
    for name in ("Principal", "NotPrincipal"):
        if name in plain:
            plain[name] = _principals(plain[name])
    if isinstance(plain.get("Condition"), dict):
        plain["Condition"] = {
            test: {key: sorted(map(_text, _listed(values))) for key, values in keys.items()}
            for test, keys in plain["Condition"].items()
        }
    return plain


def _principals(principals: Any) -> Any:
    if principals == "*":
        return {"AWS": ["*"]}
    if not isinstance(principals, dict):
        return principals
    return {
        kind: sorted(_root_user(str(name)) for name in _listed(names))
        for kind, names in principals.items()
    }


def _root_user(principal: str) -> str:
    return f"arn:aws:iam::{principal}:root" if _ACCOUNT.match(principal) else principal


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spelled(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
