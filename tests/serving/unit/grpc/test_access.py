"""What callers show comes to the gate, and what the gate says comes to callers."""

import contextlib
import datetime as dt
import ipaddress
import time

import grpc
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from model_server.access.gate import Gate
from model_server.access.identity import Admission, Identity
from model_server.access.tls_files import TlsFiles
from model_server.core.errors import Forbidden, RateLimited, Unauthenticated
from model_server.grpc_v2 import open_inference_pb2 as pb
from model_server.grpc_v2.grpcio_core import Unusable
from model_server.grpc_v2.open_inference_pb2_grpc import GRPCInferenceServiceStub

ROW = np.array([1.0, 2.0], dtype="<f4").tobytes()
X = ("x", "FP32", [1, 2])


class Doorman:
    """A gate that remembers what it was shown, and then does as it was told."""

    def __init__(self, error=None):
        self.shown = []
        self.released = []
        self._error = error

    def admit(self, credentials, scope, model=None):
        self.shown.append((credentials, scope, model))
        if self._error is not None:
            raise self._error
        headers = ((b"ratelimit-policy", b'"default";q=5'), (b"ratelimit", b'"default";r=4'))
        return Admission(Identity("somebody", frozenset({scope}), "api-key"), headers)

    def release(self, admission):
        self.released.append(admission)


def test_what_a_caller_shows_comes_to_the_gate(serve, model, ask):
    gate = Doorman()
    server = serve(model("FP32"), gate=gate)

    server.infer(
        ask(X, raw=[ROW], model_name="model"),
        metadata=(("authorization", "Bearer abc"), ("x-api-key", "def"), ("x-other", "ghi")),
    )

    ((credentials, scope, name),) = gate.shown
    assert credentials.authorization == "Bearer abc"
    assert credentials.api_key == "def"
    assert credentials.certificate_subject is None
    assert credentials.address == "127.0.0.1"
    assert (scope, name) == ("infer", "model")


def test_who_shows_nothing_comes_to_the_gate_with_nothing(serve, model, ask):
    gate = Doorman()
    server = serve(model("FP32"), gate=gate)

    server.infer(ask(X, raw=[ROW]))

    ((credentials, scope, name),) = gate.shown
    assert credentials.authorization is None
    assert credentials.api_key is None
    assert (scope, name) == ("infer", None)


def test_metadata_takes_a_scope_of_its_own(serve, model):
    gate = Doorman()
    server = serve(model("FP32"), gate=gate)

    server.stub.ServerMetadata(pb.ServerMetadataRequest())
    server.stub.ModelMetadata(pb.ModelMetadataRequest(name="model"))

    assert [each[1:] for each in gate.shown] == [("metadata", None), ("metadata", "model")]


def test_health_takes_none(serve, model):
    server = serve(model("FP32"), gate=Doorman(Unauthenticated("say who you are")))

    assert server.stub.ServerLive(pb.ServerLiveRequest()).live
    assert server.stub.ServerReady(pb.ServerReadyRequest()).ready
    assert server.stub.ModelReady(pb.ModelReadyRequest(name="model")).ready
    assert server.channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"


@pytest.mark.parametrize(
    ("error", "code", "trailing"),
    [
        (
            Unauthenticated("say who you are", "Bearer"),
            grpc.StatusCode.UNAUTHENTICATED,
            {"www-authenticate": "Bearer"},
        ),
        (Forbidden("you may not"), grpc.StatusCode.PERMISSION_DENIED, {}),
        (
            RateLimited("too often", 2.5),
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            {"retry-after": "3", "grpc-retry-pushback-ms": "2500"},
        ),
    ],
)
def test_a_refused_caller_is_told_why(serve, model, ask, error, code, trailing, metadata_of):
    server = serve(model("FP32"), gate=Doorman(error))

    refusal = server.refused(ask(X, raw=[ROW]))

    assert refusal.code() is code
    assert refusal.details() == error.message
    assert metadata_of(refusal) == trailing


def test_a_refused_caller_does_not_learn_which_models_there_are(serve, model, ask):
    server = serve(model("FP32"), gate=Doorman(Unauthenticated("say who you are")))

    refusal = server.refused(ask(X, raw=[ROW], model_name="other"))

    assert refusal.code() is grpc.StatusCode.UNAUTHENTICATED


def test_the_gates_headers_come_as_trailing_metadata(serve, model, ask, metadata_of):
    server = serve(model("FP32"), gate=Doorman())

    _, call = server.stub.ModelInfer.with_call(ask(X, raw=[ROW]), timeout=30)
    error = server.refused(ask(X, raw=[b""]))

    told = {"ratelimit-policy": '"default";q=5', "ratelimit": '"default";r=4'}
    assert metadata_of(call) == told
    assert metadata_of(error) == told


def test_every_admission_is_given_back_once(serve, model, ask, wait_for):
    gate = Doorman()
    server = serve(model("FP32"), gate=gate)

    server.infer(ask(X, raw=[ROW]))
    server.refused(ask(X, raw=[b""]))
    server.stub.ServerMetadata(pb.ServerMetadataRequest())

    wait_for(lambda: len(gate.released) == 3)
    assert len({id(admission) for admission in gate.released}) == 3


def test_the_observer_learns_who_it_was(serve, model, ask, wait_for):
    told = []

    class Observer:
        def answered(self, exchange):
            told.append(exchange.admission.identity.name)

    server = serve(model("FP32"), gate=Doorman(), observer=Observer())

    server.infer(ask(X, raw=[ROW]))

    wait_for(lambda: told)
    assert told == ["somebody"]


def test_the_real_gate_lets_everybody_in_where_nothing_is_set(serve, model, ask):
    server = serve(model("FP32"), gate=Gate())

    assert server.infer(ask(X, raw=[ROW])).raw_output_contents == [ROW]


def certificate(name, issuer=None, address=None):
    """Make a key and a certificate, signed by itself or by an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    signer, by = (key, subject) if issuer is None else (issuer[0], issuer[1].subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if address is not None:
        names = [x509.IPAddress(ipaddress.ip_address(address))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, builder.sign(signer, hashes.SHA256())


def pem(made):
    key, signed = made
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, signed.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authority():
    return certificate("authority")


@pytest.fixture
def tls(tmp_path, authority):
    """Files for TLS; `tls(client_authorities=True)` demands clients' certificates."""
    private, public = pem(certificate("server", authority, "127.0.0.1"))
    (tmp_path / "key").write_bytes(private)
    (tmp_path / "certificate").write_bytes(public)
    (tmp_path / "authorities").write_bytes(pem(authority)[1])

    def files(*, client_authorities=False, required=True):
        return TlsFiles(
            tmp_path / "certificate",
            tmp_path / "key",
            tmp_path / "authorities" if client_authorities else None,
            required,
        )

    return files


def client(server, authority, own=(None, None)):
    credentials = grpc.ssl_channel_credentials(pem(authority)[1], *own)
    return grpc.secure_channel(f"127.0.0.1:{server.port}", credentials)


def test_a_call_over_tls_is_answered(serve, model, ask, tls, authority):
    server = serve(model("FP32"), tls=tls())

    with client(server, authority) as channel:
        answer = GRPCInferenceServiceStub(channel).ModelInfer(ask(X, raw=[ROW]), timeout=30)

    assert answer.raw_output_contents == [ROW]


def test_a_replaced_certificate_is_used_by_the_next_connection(
    serve, model, ask, tls, authority, tmp_path
):
    server = serve(model("FP32"), tls=tls())
    other = certificate("another authority")
    private, public = pem(certificate("server", other, "127.0.0.1"))
    with client(server, authority) as channel:
        GRPCInferenceServiceStub(channel).ModelInfer(ask(X, raw=[ROW]), timeout=30)

    (tmp_path / "key").write_bytes(private)
    (tmp_path / "certificate").write_bytes(public)

    answer, until = None, time.monotonic() + 20
    while answer is None:
        assert time.monotonic() < until, "the old certificate is used still"
        with client(server, other) as channel, contextlib.suppress(grpc.RpcError):
            answer = GRPCInferenceServiceStub(channel).ModelInfer(ask(X, raw=[ROW]), timeout=30)
    assert answer.raw_output_contents == [ROW]


def test_a_call_without_tls_is_not(serve, model, ask, tls):
    server = serve(model("FP32"), tls=tls())

    with (
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        pytest.raises(grpc.RpcError) as raised,
    ):
        GRPCInferenceServiceStub(channel).ModelInfer(ask(X, raw=[ROW]), timeout=30)

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_verified_certificates_subject_comes_to_the_gate(serve, model, ask, tls, authority):
    gate = Doorman()
    server = serve(model("FP32"), gate=gate, tls=tls(client_authorities=True))
    own = pem(certificate("scoring-job", authority))

    with client(server, authority, own) as channel:
        GRPCInferenceServiceStub(channel).ModelInfer(ask(X, raw=[ROW]), timeout=30)

    ((credentials, _, _),) = gate.shown
    assert credentials.certificate_subject == "CN=scoring-job"


def test_a_certificate_of_another_authority_is_turned_away(serve, model, ask, tls, authority):
    gate = Doorman()
    server = serve(model("FP32"), gate=gate, tls=tls(client_authorities=True))
    own = pem(certificate("scoring-job", certificate("another authority")))

    with client(server, authority, own) as channel, pytest.raises(grpc.RpcError) as raised:
        GRPCInferenceServiceStub(channel).ModelInfer(ask(X, raw=[ROW]), timeout=30)

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert gate.shown == []


def test_no_certificate_is_turned_away_where_one_is_demanded(serve, model, ask, tls, authority):
    server = serve(model("FP32"), tls=tls(client_authorities=True))

    with client(server, authority) as channel, pytest.raises(grpc.RpcError) as raised:
        GRPCInferenceServiceStub(channel).ModelInfer(ask(X, raw=[ROW]), timeout=30)

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


def test_no_certificate_is_asked_for_where_it_is_optional(serve, model, ask, tls, authority):
    gate = Doorman()
    files = tls(client_authorities=True, required=False)
    server = serve(model("FP32"), gate=gate, tls=files)

    with client(server, authority) as channel:
        GRPCInferenceServiceStub(channel).ModelInfer(ask(X, raw=[ROW]), timeout=30)

    assert gate.shown[0][0].certificate_subject is None


def test_a_tls_file_that_is_gone_is_said_without_its_path(serve, model, tls, tmp_path):
    files = tls()
    (tmp_path / "key").unlink()

    with pytest.raises(Unusable, match=r"^the TLS files cannot be used: .*No such file") as raised:
        serve(model("FP32"), tls=files)

    assert str(tmp_path) not in str(raised.value)


def test_a_tls_file_that_is_no_pem_is_said(serve, model, tls, tmp_path):
    files = tls()
    (tmp_path / "key").write_bytes(b"nothing")

    with pytest.raises(Unusable, match="the TLS files cannot be used"):
        serve(model("FP32"), tls=files)
