"""What `modelway emulator status` shows people."""

from modelway.cli.emulator import _status_lines

ENDPOINT = {
    "name": "fraud-local",
    "status": "Failed",
    "config": "fraud-local-0123456789ab",
    "failure_reason": "The primary container for production variant primary did not pass the ping",
    "variants": [{"name": "primary", "instances": 1, "desired_instances": 2}],
    "replicas": [{"state": "healthy"}, {"state": "starting"}],
    "log_group": "/aws/sagemaker/Endpoints/fraud-local",
    "last_failure_log": ["cannot load model.onnx"],
}
STATUS = {
    "url": "http://127.0.0.1:4510",
    "pid": 17,
    "version": "0.1.0",
    "account": "123456789012",
    "region": "us-east-1",
    "virtual_now": 1_700_000_000.0,
    "time_scale": 60.0,
    "state_dir": "/srv/state",
    "images": "a replica is a process",
    "warnings": ["1 of 2 requests answered differently"],
    "endpoints": [ENDPOINT],
}


def test_a_failed_endpoint_shows_its_reason_and_its_servers_last_words():
    assert _status_lines(STATUS) == [
        "emulator   http://127.0.0.1:4510 (process 17, modelway 0.1.0)",
        "page       http://127.0.0.1:4510/_modelway/",
        "account    123456789012, us-east-1",
        "clock      2023-11-14 22:13:20 UTC, 60 times real time",
        "state      /srv/state",
        "images     a replica is a process",
        "warning    1 of 2 requests answered differently",
        "endpoints  1",
        "  fraud-local: Failed, configuration fraud-local-0123456789ab",
        "    instances primary 1 of 2; 1 of 2 replicas healthy",
        "    log group /aws/sagemaker/Endpoints/fraud-local",
        f"    failed: {ENDPOINT['failure_reason']}",
        "    | cannot load model.onnx",
    ]
