# SPDX-License-Identifier: LGPL-3.0-or-later
"""Signals are noted and honoured between steps; a second Ctrl-C ends the process."""

from __future__ import annotations

import signal
import threading

import pytest

from osteofield.parallel import world
from osteofield.simulation.interrupt import Interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_is_noted(number):
    with Interrupt() as interrupt:
        assert interrupt.requested(world()) is None
        signal.raise_signal(number)
        assert interrupt.requested(world()) == number.name


def test_second_interrupt_ends_at_once():
    with Interrupt():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interrupt():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_threads_leave_handlers_alone():
    found = []

    def work():
        with Interrupt() as interrupt:
            found.append(interrupt.requested(world()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [None]
