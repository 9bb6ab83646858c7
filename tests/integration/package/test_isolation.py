"""The process in which a source is read: it has no network, starts nothing and writes nothing.

The pickles here do on purpose what they must not be able to do. Each writes what it saw into its
error, which is all that leaves the process.
"""

import pickle
import socket
import subprocess
import time

import pytest

from modelway.errors import PackageError
from modelway.package.assemble import make_package
from modelway.package.request import PackageRequest
from modelway.package.sources.isolation import Limits

pytestmark = pytest.mark.integration


class Run:
    """Runs a piece of Python when it is unpickled; a value it raises is what the test sees."""

    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return exec, (self.code,)


@pytest.fixture
def refusal(tmp_path, flowers):
    """Package a pickle that runs `code`, and give why that was refused."""

    def refused(code, **limits):
        source = tmp_path / "model.pkl"
        source.write_bytes(pickle.dumps(Run(code)))
        request = PackageRequest(
            source=source, name="model", samples=flowers[1], trust=True, limits=Limits(**limits)
        )
        with pytest.raises(PackageError) as caught:
            make_package(request, tmp_path / "package")
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "flowers.csv",
            "flowers.joblib",
            "model.pkl",
        ]
        return str(caught.value)

    return refused


@pytest.fixture
def listening():
    """A port of this machine on which somebody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def namespaces():
    """Whether the kernel gives network namespaces here."""
    tried = subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True)
    return tried.returncode == 0


def test_python_opens_no_socket(refusal, listening):
    message = refusal(f"import socket; socket.create_connection(('127.0.0.1', {listening}))")

    assert "cannot be loaded: PermissionError: it tried to use the network (socket." in message


def test_native_code_reaches_nobody(refusal, listening):
    """An audit hook does not see this; the empty network namespace is what keeps it in."""

    message = refusal(
        "import ctypes, struct\n"
        "libc = ctypes.CDLL(None)\n"
        "made = libc.socket(2, 1, 0)\n"
        f"address = struct.pack('<H', 2) + struct.pack('>H', {listening}) + bytes([127, 0, 0, 1])\n"
        "raise ValueError(f'connect gave {libc.connect(made, address + bytes(8), 16)}')"
    )

    if "connect gave 0" in message and not namespaces():
        pytest.skip("the kernel refuses network namespaces here")
    assert "ValueError: connect gave -1" in message


ATTEMPTS = {
    "os.system('true')": "start a process (os.system)",
    "subprocess.run(['true'])": "start a process (subprocess.Popen)",
    "os.fork()": "start a process (os.fork)",
    "os.execv('/bin/true', ['true'])": "start a process (os.exec)",
    "os.kill(os.getppid(), 9)": "signal a process (os.kill)",
    "open('{outside}', 'w')": "write the file {outside}",
    "os.open('{outside}', os.O_CREAT)": "write the file {outside}",
    "os.mkdir('{outside}')": "change files (os.mkdir)",
    "os.remove('{there}')": "change files (os.remove)",
    "os.rename('{there}', 'mine')": "change files (os.rename)",
    "os.symlink('{there}', '{outside}')": "change files (os.symlink)",
    "shutil.rmtree('{folder}')": "change files (shutil.rmtree)",
}
"""What a pickle tries, and what it is told."""

TRY_ALL = """
import os, shutil, subprocess
said = []
for attempt in {attempts!r}:
    try:
        exec(attempt)
    except BaseException as error:
        said.append(f"{{type(error).__name__}}: {{error}}")
    else:
        said.append("done")
raise ValueError(" ~ ".join(said))
"""


def test_it_starts_nothing_and_changes_nothing(refusal, tmp_path):
    names = {
        "outside": str(tmp_path / "outside"),
        "there": str(tmp_path / "flowers.csv"),
        "folder": str(tmp_path),
    }
    attempts = [attempt.format(**names) for attempt in ATTEMPTS]

    message = refusal(TRY_ALL.format(attempts=attempts))

    told = " ~ ".join(f"PermissionError: it tried to {what}" for what in ATTEMPTS.values())
    assert f"ValueError: {told.format(**names)}." in message
    assert (tmp_path / "flowers.csv").exists()


def test_it_does_not_get_the_environment(refusal, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")

    message = refusal("import os; raise ValueError(sorted(n for n in os.environ if 'AWS' in n))")

    assert "ValueError: []" in message


def test_it_ends_after_its_time(refusal):
    begun = time.monotonic()

    message = refusal("import time; time.sleep(600)", time_seconds=12)

    assert (
        "took longer than 12 s and was stopped; give it more with --time-limit-seconds" in message
    )
    assert time.monotonic() - begun < 60


def test_it_ends_after_its_memory(refusal):
    message = refusal("held = bytearray(3 * 1024**3)", memory_mib=2048)

    assert "needs more than the 2048 MiB of memory that it may use (--memory-limit-mib)" in message


def test_it_cannot_answer_for_a_model_that_it_did_not_convert(refusal):
    """Even a process that ends itself with an answer of its own writes no package."""
    message = refusal(
        "file = open('answer.json', 'w'); file.write('{}'); file.close()\nimport os\nos._exit(0)"
    )

    assert "left no whole answer (FileNotFoundError)" in message


def test_a_process_that_dies_is_told_of(refusal):
    message = refusal("import ctypes; ctypes.string_at(0)")

    assert "ended without an answer (SIGSEGV" in message


def test_an_ordinary_source_says_how_it_was_kept_in(flowers, tmp_path):
    source, samples = flowers

    made = make_package(
        PackageRequest(source=source, name="flowers", samples=samples, trust=True),
        tmp_path / "package",
    )

    assert made.notes[0] in (
        "the source was read apart, kept from the network: network namespace",
        "the source was read apart, kept from the network: audit hook",
    )
    assert (tmp_path / "package/evidence/parity.json").is_file()
