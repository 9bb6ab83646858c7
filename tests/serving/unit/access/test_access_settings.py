"""Settings of who may call: what goes together, and what does not."""

import re
from pathlib import Path

import pytest

from model_server.settings import access as module
from model_server.settings.access import AccessSettings
from model_server.settings.reader import Reader


def read(**variables):
    reader = Reader({f"MODEL_SERVER_{name}": value for name, value in variables.items()})
    return AccessSettings.read(reader), reader.problems


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    return str(path)


def test_nothing_is_set_by_default():
    assert read() == (AccessSettings(), [])


def test_all_of_it_can_be_set(file):
    settings, problems = read(
        API_KEYS_FILE=file,
        JWT_ISSUER="https://issuer.example",
        JWT_AUDIENCE="models, others",
        JWT_JWKS_URL="https://issuer.example/jwks",
        JWT_REFRESH_SECONDS="60",
        JWT_ALGORITHMS="EdDSA,PS512",
        JWT_SCOPE_PREFIX="models/",
        ANONYMOUS_SCOPES="metrics,metadata:fraud",
        RATE_PER_SECOND="0.5",
        RATE_BURST="7",
        MAX_CONCURRENCY_PER_CALLER="8",
        TLS_CERT_FILE=file,
        TLS_KEY_FILE=file,
        TLS_CLIENT_CA_FILE=file,
        TLS_CLIENT_CERTIFICATES="optional",
        TLS_CLIENTS_FILE=file,
    )

    assert problems == []
    assert settings == AccessSettings(
        api_keys_file=Path(file),
        jwt_issuer="https://issuer.example",
        jwt_audiences=("models", "others"),
        jwks_url="https://issuer.example/jwks",
        jwks_refresh_seconds=60.0,
        jwt_algorithms=("EdDSA", "PS512"),
        jwt_scope_prefix="models/",
        anonymous_scopes=("metrics", "metadata:fraud"),
        rate_per_second=0.5,
        rate_burst=7,
        max_concurrency_per_caller=8,
        tls_cert_file=Path(file),
        tls_key_file=Path(file),
        tls_client_ca_file=Path(file),
        tls_client_certificates="optional",
        tls_clients_file=Path(file),
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example/jwks",
        "https://issuer.example:8443/jwks?x=1",
        "http://127.0.0.1:8000/jwks",
        "http://127.8.9.1/jwks",
        "http://[::1]/jwks",
        "http://localhost/jwks",
    ],
)
def test_a_key_set_is_fetched_over_https_or_from_this_machine(url):
    settings, problems = read(JWT_ISSUER="i", JWT_AUDIENCE="a", JWT_JWKS_URL=url)

    assert problems == []
    assert settings.jwks_url == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://issuer.example/jwks", "is 'http://issuer.example/jwks'; it takes https://"),
        ("http://localhost.example/jwks", "it takes https://"),
        ("http://127.0.0.1.example/jwks", "it takes https://"),
        ("http://10.0.0.1/jwks", "it takes https://"),
        ("ftp://issuer.example/jwks", "it takes https://"),
        ("file:///etc/jwks", "is no https:// URL"),
        ("issuer.example/jwks", "is no https:// URL"),
        ("https:///jwks", "is no https:// URL"),
        ("https://issuer.example/jwks#x", "is no https:// URL"),
        ("https://issuer.example/a b", "is no https:// URL"),
        ("https://issuer.example:99999/", "is no https:// URL"),
        ("https://[::1/", "is no https:// URL"),
        ("https://me:canary@issuer.example/", "holds a user or a password; key sets are public"),
        ("http://me:canary@127.0.0.1/", "holds a user or a password; key sets are public"),
    ],
)
def test_a_key_set_that_could_be_changed_on_its_way_is_refused(url, problem):
    settings, problems = read(JWT_ISSUER="i", JWT_AUDIENCE="a", JWT_JWKS_URL=url)

    assert settings.jwks_url is None
    assert len(problems) == 1
    assert problems[0].startswith("MODEL_SERVER_JWT_JWKS_URL ")
    assert problem in problems[0]
    assert "canary" not in problems[0]


@pytest.mark.parametrize(
    ("variables", "problems"),
    [
        (
            {"JWT_ISSUER": "i"},
            [
                (
                    "MODEL_SERVER_JWT_ISSUER needs MODEL_SERVER_JWT_AUDIENCE: without it a token "
                    "that was given out for any other service would be taken here"
                ),
                (
                    "MODEL_SERVER_JWT_ISSUER needs one of MODEL_SERVER_JWT_JWKS_FILE and "
                    "MODEL_SERVER_JWT_JWKS_URL, and none is set"
                ),
            ],
        ),
        (
            {"JWT_AUDIENCE": "a", "JWT_JWKS_URL": "https://x"},
            [
                "MODEL_SERVER_JWT_AUDIENCE is set without MODEL_SERVER_JWT_ISSUER",
                "MODEL_SERVER_JWT_JWKS_URL is set without MODEL_SERVER_JWT_ISSUER",
            ],
        ),
        (
            {"RATE_BURST": "5"},
            ["MODEL_SERVER_RATE_BURST is set without MODEL_SERVER_RATE_PER_SECOND"],
        ),
        (
            {"TLS_CLIENT_CERTIFICATES": "optional"},
            ["MODEL_SERVER_TLS_CLIENT_CERTIFICATES is set without MODEL_SERVER_TLS_CLIENT_CA_FILE"],
        ),
        (
            {"ANONYMOUS_SCOPES": "infer,admin"},
            [
                (
                    "MODEL_SERVER_ANONYMOUS_SCOPES names 'admin'; it takes infer, metadata, "
                    "metrics, manage, one of them with a model as in 'infer:fraud', or '*'"
                )
            ],
        ),
        (
            {
                "API_KEYS_FILE": "/nowhere",
                "RATE_PER_SECOND": "nan",
                "MAX_CONCURRENCY_PER_CALLER": "0",
                "JWT_REFRESH_SECONDS": "5",
            },
            [
                "MODEL_SERVER_RATE_PER_SECOND is 'nan'; it takes a number from 0.001 to 1000000.0",
                "MODEL_SERVER_API_KEYS_FILE is '/nowhere', which is no file",
                "MODEL_SERVER_JWT_REFRESH_SECONDS is '5'; it takes a number from 60.0 to 86400.0",
                "MODEL_SERVER_MAX_CONCURRENCY_PER_CALLER is '0'; it takes a number from 1 to 65536",
            ],
        ),
    ],
)
def test_everything_that_does_not_go_together_is_told_at_once(variables, problems):
    assert read(**variables)[1] == problems


def test_both_sources_of_a_key_set_are_one_too_many(file):
    _, problems = read(
        JWT_ISSUER="i", JWT_AUDIENCE="a", JWT_JWKS_URL="https://x", JWT_JWKS_FILE=file
    )

    assert problems == [
        (
            "MODEL_SERVER_JWT_ISSUER needs one of MODEL_SERVER_JWT_JWKS_FILE and "
            "MODEL_SERVER_JWT_JWKS_URL, and both are set"
        )
    ]


@pytest.mark.parametrize(
    ("variables", "problems"),
    [
        (["TLS_CERT_FILE"], ["TLS_CERT_FILE is set without MODEL_SERVER_TLS_KEY_FILE"]),
        (["TLS_KEY_FILE"], ["TLS_KEY_FILE is set without MODEL_SERVER_TLS_CERT_FILE"]),
        (
            ["TLS_CLIENT_CA_FILE"],
            [
                "TLS_CLIENT_CA_FILE is set without MODEL_SERVER_TLS_CERT_FILE",
                "TLS_CLIENT_CA_FILE is set without MODEL_SERVER_TLS_CLIENTS_FILE",
            ],
        ),
        (
            ["TLS_CLIENTS_FILE"],
            ["TLS_CLIENTS_FILE is set without MODEL_SERVER_TLS_CLIENT_CA_FILE"],
        ),
    ],
)
def test_tls_files_go_together(file, variables, problems):
    _, found = read(**dict.fromkeys(variables, file))

    assert found == [f"MODEL_SERVER_{problem}" for problem in problems]


@pytest.mark.parametrize("algorithms", ["HS256", "none", "RS256,HS256", "rs256", "", ","])
def test_only_algorithms_without_a_shared_secret_can_be_allowed(algorithms):
    settings, problems = read(JWT_ALGORITHMS=algorithms)

    assert settings.jwt_algorithms == ("RS256", "ES256")
    assert problems[0].startswith("MODEL_SERVER_JWT_ALGORITHMS names ")
    assert problems[0].endswith(
        "it takes some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA"
    )


def test_every_variable_is_documented_beside_its_field():
    source = Path(module.__file__).read_text()
    documented = set(re.findall(r"``(MODEL_SERVER_\w+)``:", source))
    used = set(re.findall(r'reader(?:\.\w+\(|, )\s*"(MODEL_SERVER_\w+)"', source))

    assert documented == used
    assert len(documented) == 17
