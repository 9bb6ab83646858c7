"""`modelway promote`: take a release from one stack to the next, digest by digest, if it may."""

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
from modelway.cli.registry_options import model_reader


def promote(
    name: Annotated[str, typer.Argument(help="The spec's name, such as `digits`.")],
    source: Annotated[str, typer.Option("--from", help="The stack that has the release.")],
    target: Annotated[str, typer.Option("--to", help="The stack that is to have it.")],
    evidence: EvidenceFiles = None,
    approver: Approver = None,
    key: Key = None,
    check: Check = False,
    region: Annotated[
        str | None,
        typer.Option(help="AWS region of the source. Default: boto3's own.", metavar="REGION"),
    ] = None,
    spec: Spec = None,
    keys: Keys = None,
    project: Project = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge whether a release may go to the next stack, and record it there.

    Every rule is printed with its verdict: the source's record is what its endpoint serves now, all
    records are signed, image, model, spec and plan are those of the record, the evidence that the
    policy asks for is there, the approver may approve, and no alarm of the source fires.

    Nothing is built and nothing is deployed: `pulumi up` of the next stack does that, once the
    record is committed. Refused, nothing is written, and the command can be run again.

    Exit status: 0 recorded, 1 refused, 2 the spec or the policy is wrong.

    For example:

        modelway promote digits --from staging --to prod --key ci.pem

        modelway promote digits --from staging --to prod --check --json
    """
    from modelway.naming import endpoint_name
    from modelway.promotion import folder as folders
    from modelway.promotion.attestation import check_provenance, provenance_rules
    from modelway.promotion.evidence import read_evidence
    from modelway.promotion.gate import judge_promotion, passed
    from modelway.promotion.live import read_live
    from modelway.promotion.release import bake, promoted
    from modelway.promotion.seal import Seal
    from modelway.registry import Pins

    place = folders.ReleaseFolder(project, keys)
    policy = place.policy()
    model = place.spec(name, spec)
    before, after = place.ledger(source, name), place.ledger(target, name)
    # The source's record says which version of a registry this is about.
    pins = Pins() if before.newest is None else Pins(before.newest.record.packages)
    subject = folders.subjects_of(model, [target], model_reader(region), pins)[target]
    builders = policy.of(target).builders
    image = subject.image
    if subject.builds and before.newest is not None:
        image = before.newest.record.image
    named = image or "none"
    files = read_evidence(
        evidence or (),
        {*folders.evidence_subjects(model, target, subject), named},
        lambda file: check_provenance(file, named, place.trusted(), builders),
    )
    watch = policy.of(target).watches_bake
    live = read_live(endpoint_name(name, source), region, watch=watch)
    record = None
    if before.newest is not None:
        if live is not None and watch:
            files.append(bake(before.newest, live))
        given = [file.evidence for file in files]
        record = promoted(before.newest, after, given, approval(approver))
    rules = judge_promotion(record, before, after, policy, subject, live)
    if record is not None:
        new = {file.evidence.sha256: file.content for file in files}
        rules += provenance_rules(place.releases, record, policy.of(target), place.trusted(), new)
        rules += scan_rules(policy.of(target), model.for_environment(target).image)
    path = None
    if record is not None and passed(rules) and not check:
        path = Seal.of(place, key, passphrase()).write(after, record, files)
    if as_json:
        found = {
            "recorded": path and str(path),
            "id": record and record.id,
            "rules": plain_rules(rules),
        }
        typer.echo(json.dumps(found, indent=2))
    else:
        print_rules(f"{name} from {source} to {target}", rules)
    if path is not None:
        typer.echo(f"written to {path}; commit it with its signature, and deploy", err=True)
    if not passed(rules):
        typer.echo(f"{name} is not promoted to {target}; nothing was written", err=True)
        raise typer.Exit(1)
