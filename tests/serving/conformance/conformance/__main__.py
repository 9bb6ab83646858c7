"""Runs the table against a server and prints it.

::

    python -m conformance --rest http://127.0.0.1:8000 --grpc 127.0.0.1:8001 \\
        --model echo_fp32 --model several

Exit status 0: everything that must hold holds; 1: something does not; 2: wrong arguments.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence

from conformance import reference
from conformance.case import Case, Form, Level, Target
from conformance.cases import runs
from conformance.grpc_side import Grpc
from conformance.outcome import ProtocolError
from conformance.rest import Rest, sender

Results = dict[Case, dict[Form, str]]
"""What came of each case in each form: empty for a pass, else the reason."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="conformance",
        description="Tests a server of the Open Inference Protocol v2 with reference models: "
        + ", ".join(reference.names()),
    )
    parser.add_argument("--rest", help="address of the REST side, such as http://127.0.0.1:8000")
    parser.add_argument("--grpc", help="address of the gRPC side, such as 127.0.0.1:8001")
    parser.add_argument(
        "--model", action="append", required=True, help="name of a reference model; repeatable"
    )
    parser.add_argument(
        "--header", action="append", default=[], help="header or metadata, as NAME:VALUE"
    )
    parser.add_argument("--strict", action="store_true", help="fail for what should hold, too")
    chosen = parser.parse_args(arguments)
    if not chosen.rest and not chosen.grpc:
        parser.error("give --rest, --grpc or both")
    headers = dict(text.split(":", 1) for text in chosen.header)
    failed = 0
    for name in chosen.model:
        rest = Rest(sender(chosen.rest, headers), name) if chosen.rest else None
        metadata = tuple((key.lower(), value) for key, value in headers.items())
        grpc = Grpc(chosen.grpc, name, metadata) if chosen.grpc else None
        results = run(Target(name, rest, grpc))
        if grpc is not None:
            grpc.close()
        print(table(name, results))  # noqa: T201  # this is a program
        failed += sum(
            bool(reason)
            for case, forms in results.items()
            if chosen.strict or case.level is Level.MUST
            for reason in forms.values()
        )
    return 1 if failed else 0


def run(target: Target) -> Results:
    """Run every case against a model."""
    results: Results = defaultdict(dict)
    for case, form in runs(target):
        results[case][form] = outcome(case, target, form)
    return results


def outcome(case: Case, target: Target, form: Form) -> str:
    """Run one case; gives nothing for a pass, else the reason."""
    try:
        case.check(target, form)
    except ProtocolError as error:
        return str(error) or "the answer breaks the protocol"
    except Exception as error:  # noqa: BLE001  # a server may answer anything, or hang up
        return f"{type(error).__name__}: {error}"
    return ""


def table(model: str, results: Results) -> str:
    """Give the results as text."""
    lines = [f"{model}", f"  {'':58}" + "".join(f"{form:>13}" for form in Form)]
    reasons: list[str] = []
    area = ""
    for case, forms in results.items():
        if case.area != area:
            area = case.area
            lines.append(f"  {area}")
        marks = ""
        for form in Form:
            reason = forms.get(form)
            marks += f"{'' if reason is None else 'FAILED' if reason else 'ok':>13}"
            if reason:
                reasons.append(f"  {case.level} | {form} | {case.name}: {reason}")
        lines.append(f"    {case.name[:54]:54} {'' if case.level is Level.MUST else '*':1}{marks}")
    counts = Counter(bool(reason) for forms in results.values() for reason in forms.values())
    lines.append(f"  {counts[False]} passed, {counts[True]} failed; * the protocol leaves it open")
    return "\n".join([*lines, *reasons, ""])


if __name__ == "__main__":
    sys.exit(main())
