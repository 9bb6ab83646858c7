"""Releases: what a stack may deploy, recorded, signed and moved from stack to stack.

    record.py      one release record: its fields, its bytes, its id
    signing.py     DSSE envelopes over records, and the keys that are trusted
    policy.py      what each stack demands before a record is written for it
    ledger.py      the records of one model in one stack, as files that git tracks
    subject.py     the digests of what a spec would deploy
    evidence.py    files that speak for a release
    gate.py        the rules, each with pass or fail
    release.py     the next record, made of what is wanted or of an earlier record
    apply.py       a stack with records deploys its newest record and nothing else
    folder.py      where a project keeps specs, records, policy and keys
    seal.py        a judged record becomes the stack's newest
    going_back.py  a record that points back to an earlier one
    live.py        what an endpoint serves and how its alarms are, from AWS

Each imports only what stands above it. Only `live` knows AWS, and nothing here knows Pulumi.
"""
