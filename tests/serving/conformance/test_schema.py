"""The protocol's REST side against its description, with requests made by schemathesis.

50 requests for an operation; 2,000 with `ABUSE=full`, as `make abuse` has it.
"""

import os
import sys
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from conformance.openapi import document
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

MODEL = "echo_fp32"
CASES = 2000 if os.environ.get("ABUSE") == "full" else 50
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]

schema = schemathesis.openapi.from_dict(document(MODEL))


@pytest.fixture(scope="session")
def described(run_server, model_folder):
    server = run_server(
        model_folder / MODEL, MODEL_SERVER_MODEL_NAME=MODEL, MODEL_SERVER_WORKERS="1"
    )
    server.wait()
    return server


@schema.parametrize()
@settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_they_are_described(case, described):
    response = case.call(base_url=described.url)

    case.validate_response(response, checks=CHECKS)
    assert described.process.poll() is None
