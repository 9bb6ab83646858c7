"""Whatever manifest and signature hold, a package is checked or refused, with a reason."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_server.core.errors import ModelUnusable
from model_server.core.package import check_package
from packages import canonical, manifest_of, sign, write_keys, write_package

KEYS = (
    *("schema", "files", "model", "path", "sha256", "size_bytes", "mediaType", "dsseEnvelope"),
    *("payload", "payloadType", "signatures", "sig", "verificationMaterial", "publicKey", "hint"),
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return write_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def package(tmp_path_factory, keys):
    folder = write_package(tmp_path_factory.mktemp("fuzz") / "model")
    sign(folder, keys[0])
    return folder


def reason(package, trusted):
    """Why a package is refused."""
    with pytest.raises(ModelUnusable) as caught:
        check_package(package, trusted)
    return caught.value.message


def fuzzed(test):
    return settings(
        max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )(test)


@fuzzed
@given(st.sampled_from(["files", "model", "schema"]), JSON)
def test_any_part_of_a_manifest_is_refused_when_it_is_another(package, part, content):
    manifest = manifest_of(package) | {part: content}
    (package / "package.json").write_bytes(canonical(manifest))

    said = reason(package, None)
    assert said
    assert str(package.parent) not in said


@fuzzed
@given(st.sampled_from(["path", "sha256", "size_bytes"]), JSON)
def test_any_part_of_a_listed_file_is_refused_when_it_is_another(package, part, content):
    manifest = manifest_of(package)
    manifest["files"][0][part] = content
    (package / "package.json").write_bytes(canonical(manifest))

    said = reason(package, None)
    assert said
    assert str(package.parent) not in said


@fuzzed
@given(JSON | st.binary(max_size=50))
def test_any_signature_is_refused_but_the_right_one(package, keys, content):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (package / "package.json").write_bytes(canonical(manifest_of(package)))
    (package / "model.sig").write_bytes(data)

    assert reason(package, str(keys[1])).startswith("model.sig is ")
