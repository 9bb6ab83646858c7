"""Statements of several models, joined where only their resources differ.

Takes statements, gives fewer that allow exactly the same. Pure.
"""

import json
from collections.abc import Sequence

from modelway.iam.statements import Statement


def merged(statements: Sequence[Statement]) -> list[Statement]:
    """Join statements with the same Sid, actions and condition; the order stays.

    Statements whose Sid is taken by another kind of statement get a number after it.
    """
    found: dict[str, Statement] = {}
    for statement in statements:
        same = {key: value for key, value in statement.items() if key != "Resource"}
        key = json.dumps(same, sort_keys=True)
        if key not in found:
            found[key] = {**statement, "Resource": []}
        resources = [*found[key]["Resource"], *statement["Resource"]]
        found[key]["Resource"] = list(dict.fromkeys(resources))
    taken: dict[str, int] = {}
    joined = []
    for statement in found.values():
        sid = statement["Sid"]
        taken[sid] = taken.get(sid, 0) + 1
        joined.append(statement if taken[sid] == 1 else {**statement, "Sid": f"{sid}{taken[sid]}"})
    return joined
