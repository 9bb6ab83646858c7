"""A plugin ends at the engine's SIGINT, whichever of its threads the kernel gives the signal to."""

import signal
import subprocess
import sys

import pytest

PLUGIN = """
import signal, sys, threading
from modelway.engine.hosts.lifeline import follow_signals

follow_signals()
other = threading.Thread(target=threading.Event().wait, daemon=True)
other.start()
if sys.argv[1] == "other":
    # As when the kernel does not choose the main thread, which then sleeps on.
    signal.pthread_kill(other.ident, signal.SIGINT)
else:
    print("ready", flush=True)
threading.Event().wait()
"""


def start(thread):
    return subprocess.Popen(
        [sys.executable, "-c", PLUGIN, thread], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_plugin_ends_at_a_signal_without_a_word(number):
    plugin = start("main")
    assert plugin.stdout.readline() == b"ready\n"

    plugin.send_signal(number)
    output, errors = plugin.communicate(timeout=5)

    assert (plugin.returncode, output, errors) == (130, b"", b"")


def test_a_signal_that_another_thread_gets_ends_the_plugin_as_well():
    plugin = start("other")

    output, errors = plugin.communicate(timeout=5)

    assert (plugin.returncode, output, errors) == (130, b"", b"")
