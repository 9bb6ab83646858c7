"""An issuer of tokens, files of callers, and an event log; everything in this process."""

import hashlib
import http.server
import json
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from model_server.access.gate import Gate
from model_server.settings.access import AccessSettings

KEY = "msk_" + "k" * 43


def entry_of(name="scoring-job", key=KEY, scopes=("infer",), **more):
    digest = hashlib.sha256(key.encode()).hexdigest()
    return {"name": name, "sha256": digest, "scopes": list(scopes), **more}


@pytest.fixture
def entry():
    """Makes an entry of the file of API keys; by default of the key msk_kkk..."""
    return entry_of


class Issuer:
    """Signs tokens as an OpenID Connect provider does."""

    name = "https://issuer.example"

    def __init__(self):
        self.private = {
            "rsa-1": rsa.generate_private_key(65537, 2048),
            "rsa-2": rsa.generate_private_key(65537, 2048),
            "ec-1": ec.generate_private_key(ec.SECP256R1()),
            "ec-2": ec.generate_private_key(ec.SECP384R1()),
            "ed-1": ed25519.Ed25519PrivateKey.generate(),
        }

    def jwk(self, key_id):
        public = self.private[key_id].public_key()
        maker = {"rsa": RSAAlgorithm, "ec": ECAlgorithm, "ed": OKPAlgorithm}[key_id.split("-")[0]]
        return {**json.loads(maker.to_jwk(public)), "kid": key_id}

    def key_set(self, *key_ids):
        return json.dumps({"keys": [self.jwk(key_id) for key_id in key_ids]}).encode()

    def claims(self, **changes):
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": "models",
            "sub": "user-7",
            "exp": now + 600,
            "scope": "openid infer",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key_id="rsa-1", algorithm="RS256", headers=None, **changes):
        return jwt.encode(
            self.claims(**changes),
            self.private[key_id],
            algorithm,
            headers={"kid": key_id, **(headers or {})},
        )


@pytest.fixture(scope="session")
def issuer():
    return Issuer()


class Events(list):
    def __call__(self, event, **fields):
        self.append((event, fields))

    @property
    def names(self):
        return [event for event, _ in self]


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def key_file(tmp_path):
    """Writes the file of API keys, for its owner only."""
    path = tmp_path / "keys.json"

    def write(*entries, text=None):
        path.touch(mode=0o600)
        path.write_text(json.dumps(entries) if text is None else text)
        return path

    return write


@pytest.fixture
def keys_gate(key_file, events):
    """Makes a gate with API keys."""

    def make(*entries, **settings):
        file = key_file(*(entries or (entry_of(),)))
        return Gate.from_settings(AccessSettings(api_keys_file=file, **settings), on_event=events)

    return make


@pytest.fixture
def tokens_gate(issuer, tmp_path, events):
    """Makes a gate with an issuer whose key set is in a file."""

    def make(*key_ids, **settings):
        file = tmp_path / "jwks.json"
        file.write_bytes(issuer.key_set(*(key_ids or ("rsa-1", "ec-1"))))
        return Gate.from_settings(
            AccessSettings(
                **{
                    "jwt_issuer": issuer.name,
                    "jwt_audiences": ("models",),
                    "jwks_file": file,
                    **settings,
                }
            ),
            on_event=events,
        )

    return make


class KeyServer:
    """Publishes a key set on the loopback interface."""

    def __init__(self):
        self.status = 200
        self.body = b""
        self.location = None
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                self.send_response(outer.status)
                if outer.location is not None:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/jwks"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def key_server():
    server = KeyServer()
    yield server
    server.close()
