"""`modelway release`: record what a spec would deploy, as the first link of a chain of stacks."""

import json
from pathlib import Path
from typing import Annotated

import typer

from modelway.cli.promotion import (
    Approver,
    Check,
    EvidenceFiles,
    Key,
    Keys,
    Project,
    Spec,
    approval,
    passphrase,
    plain_rules,
    print_rules,
    scan_rules,
)
from modelway.cli.registry_options import Region, model_reader


def release(
    name: Annotated[str, typer.Argument(help="The spec's name, such as `digits`.")],
    stack: Annotated[str, typer.Option("--stack", help="Where releases begin, such as `dev`.")],
    evidence: EvidenceFiles = None,
    image: Annotated[
        str | None,
        typer.Option(
            help="Digest of the image that was built, where the spec says how.", metavar="SHA256"
        ),
    ] = None,
    approver: Approver = None,
    key: Key = None,
    check: Check = False,
    spec: Spec = None,
    keys: Keys = None,
    region: Region = None,
    project: Project = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Record what the spec would deploy, by digests, and sign it.

    The record is `releases/STACK/NAME/NUMBER-ID.json` beside the program; commit it with its
    signature. From then on the stack deploys this and refuses anything else.

    The spec must name the image by digest, or say how it is built; then --image names what was
    built. Image and models must be the same in every stack that the release may go to. A model in
    a registry is the version that its reference stands for now; the record pins its digest for
    every stack.

    Exit status: 0 recorded, 1 refused, 2 the spec or the policy is wrong.

    For example:

        modelway release digits --stack dev --key dev-key.pem --evidence tests=junit.xml

        modelway release digits --stack dev --check

        modelway release digits --stack dev --key dev-key.pem --image sha256:0123...
    """
    from modelway.promotion import folder as folders
    from modelway.promotion.attestation import check_provenance, provenance_rules
    from modelway.promotion.evidence import read_evidence
    from modelway.promotion.gate import judge_release, passed
    from modelway.promotion.release import of_spec
    from modelway.promotion.seal import Seal

    place = folders.ReleaseFolder(project, keys)
    policy = place.policy()
    model = place.spec(name, spec)
    stacks = folders.release_stacks(model, stack, policy)
    subjects = folders.subjects_of(model, stacks, model_reader(region))
    own, builders = subjects[stack], policy.of(stack).builders
    named = (image if own.builds else own.image) or "none"
    files = read_evidence(
        evidence or (),
        {*folders.evidence_subjects(model, stack, own), named},
        lambda file: check_provenance(file, named, place.trusted(), builders),
    )
    ledger = place.ledger(stack, name)
    record = of_spec(ledger, subjects, [file.evidence for file in files], approval(approver), image)
    rules = judge_release(record, ledger, policy, subjects)
    new = {file.evidence.sha256: file.content for file in files}
    rules += provenance_rules(place.releases, record, policy.of(stack), place.trusted(), new)
    rules += scan_rules(policy.of(stack), model.for_environment(stack).image)
    path = None
    if passed(rules) and not check:
        path = Seal.of(place, key, passphrase()).write(ledger, record, files)
    if as_json:
        found = {"recorded": path and str(path), "id": record.id, "rules": plain_rules(rules)}
        typer.echo(json.dumps(found, indent=2))
    else:
        print_rules(f"release {record.number} of {name} for {stack}", rules)
    if path is not None:
        typer.echo(f"written to {path}; commit it with its signature", err=True)
    if not passed(rules):
        typer.echo(f"{name} is not released for {stack}; nothing was written", err=True)
        raise typer.Exit(1)
