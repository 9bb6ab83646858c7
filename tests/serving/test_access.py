"""Who may call: keys, scopes, rates and certificates, over real connections."""

import datetime as dt
import json
import shutil
import socket
import ssl
import time

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from model_server.access.key_file import add_key

ROW = {"instances": [[1, 2, 3, 4]]}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """The file of keys, and the keys by name."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    made = {
        "all": add_key(path, "all", ["infer", "metadata", "metrics"]),
        "infer": add_key(path, "infer", ["infer:digits"]),
        "other": add_key(path, "other", ["infer:another"]),
        "reader": add_key(path, "reader", ["metadata"]),
        "old": add_key(path, "old", ["infer"], expires="2020-01-01T00:00:00Z"),
    }
    return path, made


@pytest.fixture(scope="module")
def guarded(run_server, models, keys):
    server = run_server(
        models / "classifier",
        MODEL_SERVER_API_KEYS_FILE=keys[0],
        MODEL_SERVER_MODEL_NAME="digits",
    )
    server.wait()
    return server


def test_health_needs_no_key(guarded):
    assert guarded.ping().status == 200
    assert guarded.request("GET", "/v2/health/ready").status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X_API_Key": "msk_wrong"}, 401),
        ({"Authorization": "Basic YTpi"}, 401),
        ({"Authorization": "Bearer msk_" + "A" * 43}, 401),
    ],
)
def test_whoever_shows_no_known_key_is_refused(guarded, headers, status):
    reply = guarded.post(ROW, **headers)

    assert (reply.status, reply.json()["code"]) == (status, "UNAUTHENTICATED")
    assert "Bearer" in reply.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("name", "method", "path", "status"),
    [
        ("all", "POST", "/invocations", 200),
        ("infer", "POST", "/invocations", 200),
        ("other", "POST", "/invocations", 403),
        ("reader", "POST", "/invocations", 403),
        ("old", "POST", "/invocations", 401),
        ("reader", "GET", "/v2/models/digits", 200),
        ("infer", "GET", "/v2/models/digits", 403),
        ("all", "GET", "/metrics", 200),
        ("reader", "GET", "/metrics", 403),
        ("reader", "GET", "/openapi.json", 200),
        ("infer", "GET", "/openapi.json", 403),
    ],
)
def test_a_key_allows_what_its_scopes_say(guarded, keys, name, method, path, status):
    body = json.dumps(ROW) if method == "POST" else None

    reply = guarded.request(
        method, path, body, content_type="application/json", x_api_key=keys[1][name]
    )

    assert reply.status == status, reply.body


def test_a_key_is_a_bearer_token_too_and_its_caller_is_in_the_log(guarded, keys):
    reply = guarded.post(ROW, Authorization=f"Bearer {keys[1]['all']}", X_Request_Id="find-me")

    assert reply.status == 200
    until = time.monotonic() + 5
    while not (found := [e for e in guarded.events("invocation") if e["request_id"] == "find-me"]):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert found[0]["caller"] == "all"


def test_no_key_is_ever_in_the_log(guarded, keys):
    for key in keys[1].values():
        guarded.post(ROW, X_API_Key=key)
        guarded.post(b"nonsense", X_API_Key=key)

    log = guarded.log.read_text()

    assert not [name for name, key in keys[1].items() if key in log]


def test_a_refused_request_does_not_have_its_body_read(guarded):
    reply = guarded.request("POST", "/invocations", b"x" * 3_000_000)

    assert reply.status == 401


def test_a_caller_over_its_rate_is_told_when_to_come_again(run_server, models):
    server = run_server(
        models / "classifier", MODEL_SERVER_RATE_PER_SECOND=0.5, MODEL_SERVER_RATE_BURST=3
    )
    server.wait()

    replies = [server.post(ROW) for _ in range(4)]

    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert replies[0].headers["ratelimit"].startswith('"default";r=2')
    assert replies[3].json()["code"] == "RESOURCE_EXHAUSTED"
    assert 1 <= int(replies[3].headers["retry-after"]) <= 2
    assert server.ping().status == 200


def test_a_caller_may_have_only_so_many_requests_under_way(run_server, models):
    server = run_server(
        models / "slow", MODEL_SERVER_MAX_CONCURRENCY_PER_CALLER=1, MODEL_SERVER_THREADS=2
    )
    server.wait()
    server.post({"inputs": [[5]]})

    import threading

    statuses = []
    threads = [
        threading.Thread(
            target=lambda: statuses.append(server.post({"inputs": [[800]]}).status), daemon=True
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(statuses) in ([200, 429, 429], [200, 200, 429])
    assert server.post({"inputs": [[1]]}).status == 200


@pytest.mark.parametrize("content", ["not json", "{}", '[{"name": "x"}]'])
def test_a_wrong_file_of_keys_ends_the_server_at_once(run_server, models, tmp_path, content):
    path = tmp_path / "keys.json"
    path.write_text(content)

    server = run_server(models / "classifier", MODEL_SERVER_API_KEYS_FILE=path)

    assert server.process.wait(20) == 2
    (event,) = server.events("wrong_settings")
    assert event["problems"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Files of a small authority: its certificate, a server's and a client's."""
    folder = tmp_path_factory.mktemp("tls")

    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(subject, key, issuer, issuer_key, *extensions):
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    def write(stem, made, key):
        (folder / f"{stem}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / f"{stem}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    root_key = ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    write("root", certificate("root", root_key, "root", root_key, constraints), root_key)
    for stem, subject, extension in (
        ("server", "localhost", x509.SubjectAlternativeName([x509.DNSName("localhost")])),
        ("renewed", "localhost", x509.SubjectAlternativeName([x509.DNSName("localhost")])),
        ("client", "scoring-job", x509.BasicConstraints(ca=False, path_length=None)),
        ("stranger", "stranger", x509.BasicConstraints(ca=False, path_length=None)),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        write(stem, certificate(subject, key, "root", root_key, extension), key)
    clients = [{"subject": "CN=scoring-job", "name": "scoring-job", "scopes": ["infer"]}]
    (folder / "clients.json").write_text(json.dumps(clients))
    return folder


def test_a_replaced_certificate_is_used_by_the_next_connection(
    run_server, models, authority, tmp_path
):
    held = {"MODEL_SERVER_TLS_CERT_FILE": "server.pem", "MODEL_SERVER_TLS_KEY_FILE": "server.key"}
    for name in held.values():
        shutil.copy(authority / name, tmp_path / name)
    server = run_server(
        models / "classifier", **{variable: tmp_path / name for variable, name in held.items()}
    )
    context = ssl.create_default_context(cafile=str(authority / "root.pem"))

    def serial_number():
        with (
            socket.create_connection(("localhost", server.port), timeout=30) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as secure,
        ):
            return secure.getpeercert()["serialNumber"]

    until = time.monotonic() + 30
    while not server.events("worker_ready"):
        assert time.monotonic() < until
        time.sleep(0.05)
    before = serial_number()

    (tmp_path / "server.key").write_text("half a file")
    while not server.events("access_file_unusable"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert serial_number() == before

    for suffix in ("pem", "key"):
        shutil.copy(authority / f"renewed.{suffix}", tmp_path / f"server.{suffix}")
    while not server.events("access_file_changed"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert serial_number() != before


def test_a_client_certificate_says_who_calls(run_server, models, authority):
    server = run_server(
        models / "classifier",
        MODEL_SERVER_TLS_CERT_FILE=authority / "server.pem",
        MODEL_SERVER_TLS_KEY_FILE=authority / "server.key",
        MODEL_SERVER_TLS_CLIENT_CA_FILE=authority / "root.pem",
        MODEL_SERVER_TLS_CLIENTS_FILE=authority / "clients.json",
    )

    def post(stem):
        context = ssl.create_default_context(cafile=str(authority / "root.pem"))
        if stem is not None:
            context.load_cert_chain(authority / f"{stem}.pem", authority / f"{stem}.key")
        with urllib3.PoolManager(ssl_context=context) as pool:
            url = f"https://localhost:{server.port}/invocations"
            headers = {"content-type": "application/json"}
            return pool.request(
                "POST", url, body=json.dumps(ROW), headers=headers, retries=False, timeout=10.0
            )

    until = time.monotonic() + 30
    while not server.events("worker_ready"):
        assert time.monotonic() < until
        time.sleep(0.05)

    assert post("client").status == 200
    assert post("stranger").status == 403
    with pytest.raises(urllib3.exceptions.HTTPError):
        post(None)
