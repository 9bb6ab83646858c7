"""The file of clients: who may come with a certificate that TLS has verified."""

import json

import pytest

from model_server.access.certificates import Certificates, parse_clients
from model_server.access.entries import FileUnusable
from model_server.access.gate import Gate
from model_server.access.identity import Credentials
from model_server.core.errors import Forbidden, RateLimited, Unauthenticated
from model_server.settings.access import AccessSettings

SCOPES_NEEDED = (
    "needs scopes: a list of infer, metadata, metrics, manage, one of them with a model as in "
    "'infer:fraud', or '*'"
)


@pytest.fixture
def clients_gate(tmp_path, events):
    def make(*entries, **settings):
        file = tmp_path / "clients.json"
        file.write_text(json.dumps(entries))
        return Gate.from_settings(
            AccessSettings(tls_clients_file=file, **settings),
            on_event=events,
        )

    return make


def test_a_subject_has_the_name_scopes_and_rate_of_its_entry(clients_gate):
    gate = clients_gate(
        {
            "subject": "CN=job,O=Example",
            "name": "job",
            "scopes": ["infer:fraud"],
            "rate": {"per_second": 0.001, "burst": 1},
        }
    )
    credentials = Credentials(certificate_subject="CN=job,O=Example")

    admission = gate.admit(credentials, "infer", "fraud")

    assert admission.identity.name == "job"
    assert admission.identity.method == "mtls"
    assert gate.methods == ("mtls",)
    with pytest.raises(RateLimited):
        gate.admit(credentials, "infer", "fraud")
    with pytest.raises(Forbidden, match="you lack the scope"):
        gate.admit(credentials, "infer", "churn")


@pytest.mark.parametrize("subject", ["CN=other", "CN=JOB", "CN=job,O=Example", "", "*"])
def test_a_subject_that_no_entry_names_may_do_nothing(clients_gate, subject):
    gate = clients_gate({"subject": "CN=job", "scopes": ["infer"]})

    with pytest.raises(Forbidden, match="may do nothing here"):
        gate.admit(Credentials(certificate_subject=subject), "infer")


def test_a_star_stands_for_all_others_and_each_is_a_caller_of_its_own(clients_gate):
    gate = clients_gate(
        {"subject": "*", "scopes": ["infer"]},
        {"subject": "CN=admin", "scopes": ["*"]},
        rate_per_second=0.001,
        rate_burst=1,
    )

    first = gate.admit(Credentials(certificate_subject="CN=a\n"), "infer")
    second = gate.admit(Credentials(certificate_subject="CN=b"), "infer")

    assert first.identity.name == r"'CN=a\n'"
    assert second.identity.name == "CN=b"
    assert second.identity.scopes == {"infer"}
    gate.admit(Credentials(certificate_subject="CN=admin"), "manage")


def test_a_caller_without_a_certificate_is_told_to_bring_one(clients_gate):
    gate = clients_gate({"subject": "CN=job", "scopes": ["infer"]})

    with pytest.raises(Unauthenticated, match="say who you are: with a client certificate"):
        gate.admit(Credentials(authorization="Bearer x"), "infer")


def test_a_wrong_key_is_refused_although_the_certificate_is_good(keys_gate, tmp_path):
    clients = tmp_path / "clients.json"
    clients.write_text('[{"subject": "CN=job", "scopes": ["infer"]}]')
    gate = keys_gate(tls_clients_file=clients)

    with pytest.raises(Unauthenticated):
        gate.admit(Credentials(api_key="x" * 40, certificate_subject="CN=job"), "infer")

    admission = gate.admit(Credentials(certificate_subject="CN=job"), "infer")
    assert admission.identity.method == "mtls"


def test_the_file_of_clients_is_read_again_when_it_changes(tmp_path, events):
    file = tmp_path / "clients.json"
    file.write_text('[{"subject": "CN=job", "scopes": ["infer"]}]')
    clients = Certificates(file, events)

    file.write_text('[{"subject": "CN=next-job", "scopes": ["infer"]}]')
    clients.poll()

    assert clients.identify("CN=next-job").identity.name == "CN=next-job"
    assert events.names == ["access_file_changed"]
    with pytest.raises(Forbidden):
        clients.identify("CN=job")


def test_everything_wrong_with_the_file_of_clients_is_told_at_once():
    with pytest.raises(FileUnusable) as refused:
        parse_clients(
            b'[{"subject": "CN=a", "scopes": ["infer"]}, {"subject": "CN=a", "scopes": ["x"]},'
            b' {"scopes": ["infer"], "expires": "2030-01-01T00:00:00Z"}, 5]'
        )

    assert refused.value.problems == [
        "[1] has the same subject as an entry before it",
        f"[1] {SCOPES_NEEDED}",
        "[2] has 1 unknown fields; it takes name, rate, scopes, subject",
        "[2] needs subject: a text of 1 to 1024 printable characters",
        "[3] is no object",
    ]
