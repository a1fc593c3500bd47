# SPDX-License-Identifier: LGPL-3.0-or-later
"""Signals are noted and honoured between steps; a second Ctrl-C ends the process."""

from __future__ import annotations

import signal
import threading

import pytest

from osteofield.parallel import world
from osteofield.simulation import interrupt
from osteofield.simulation.interrupt import Interrupt


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGINT, signal.SIGTERM])
def test_signal_is_noted(number):
    with Interrupt() as noted:
        assert noted.requested(world()) is None
        signal.raise_signal(number)
        assert noted.requested(world()) == number.name


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
        with Interrupt() as other:
            found.append(other.requested(world()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [None]


def test_the_most_urgent_signal_decides():
    with Interrupt() as one:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGUSR1)
        assert one.requested(world()) == "SIGTERM"
        signal.raise_signal(signal.SIGINT)  # the first Ctrl-C does not end the process
        assert one.requested(world()) == "SIGINT"


def test_a_notice_that_came_between_two_runs_is_heard_by_the_next(monkeypatch):
    monkeypatch.setattr(interrupt, "_announced", False)
    with Interrupt() as one:
        assert one.requested(world()) is None
    interrupt.announce()
    with Interrupt() as one:
        assert one.requested(world()) == interrupt.REQUEUE
