# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``osteofield`` command: its verbs, and what becomes of their errors."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from typing import Any, NoReturn

from ..errors import ComputationStopped, InputError, Problem, did_you_mean
from ..parallel import end_other_ranks, is_root
from . import check, doctor, export, mesh, models, new, plot, report, run, submit, verify, view
from .screen import complain, warn
from .status import DONE, STOPPED, WRONG_INPUT

VERBS = {
    "run": run, "check": check, "mesh": mesh, "models": models, "plot": plot, "view": view, "report": report,
    "export": export, "new": new, "verify": verify, "submit": submit, "doctor": doctor,
}  # fmt: skip


class Parser(argparse.ArgumentParser):
    """Prints on the first MPI rank only and takes no abbreviated options."""

    def __init__(self, **kwargs: Any):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs)

    def _print_message(self, message: str, file: Any = None) -> None:
        if is_root():
            super()._print_message(message, file)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong as for a case file, and end."""
        missing = message.removeprefix("the following arguments are required: ")
        what = f": {message}"
        if missing != message:
            meaning = {str(a.metavar): f" ({a.help})" for a in self._actions if a.help}
            what = " needs " + " and ".join(name + meaning.get(name, "") for name in missing.split(", "))
        complain([Problem(f"'{self.prog}'{what}; see {self.prog} --help.")])
        raise SystemExit(WRONG_INPUT)


def parser() -> Parser:
    """The command line of all verbs."""
    top = Parser(
        prog="osteofield",
        description="Bone infection on micro-CT geometry: cytokines, bacteria and cells that resorb bone.",
        epilog=(
            "examples:\n"
            "  osteofield new osteomyelitis           write a commented case to start from\n"
            "  osteofield check osteomyelitis.toml    validate it and see what would run\n"
            "  mpiexec -n 2 osteofield run osteomyelitis.toml\n"
            "  osteofield plot results/osteomyelitis\n\n"
            "exit status: 0 done, 2 the input is wrong (nothing was started), 3 the computation stopped,\n"
            "85 the job asks to be queued again"
        ),
    )
    top.add_argument("--version", action="version", version=f"osteofield {_version()}")
    verbs = top.add_subparsers(metavar="VERB", required=True, title="verbs")
    for name, module in VERBS.items():
        sub = verbs.add_parser(name, help=module.HELP, description=module.DESCRIPTION, epilog=module.EXAMPLES)
        module.arguments(sub)
        options = {o for action in sub._actions for o in action.option_strings}
        sub.set_defaults(execute=module.execute, options=options)
    return top


def _version() -> str:
    try:
        return metadata.version("osteofield")
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        return "(not installed)"


def _not_taken(verb: str, known: set[str], words: Sequence[str]) -> list[Problem]:
    """What a verb cannot use: its unknown options, or words too many where all options are known."""
    options = [w.partition("=")[0] for w in words if w.startswith("-")]
    return [Problem(f"'osteofield {verb}' has no option {o}{_instead(o, known)}") for o in options] or [
        Problem(f"'{w}' is one word too many for 'osteofield {verb}'; see --help.") for w in words
    ]


def _instead(option: str, known: set[str]) -> str:
    """End of a sentence: what may have been meant; of one letter, the only option that begins with it."""
    begun = [o for o in known if len(option) == 2 and o.startswith(f"-{option}")]
    if len(begun) == 1:
        return f"; did you mean {begun[0]!r}?"
    return did_you_mean(option, known, otherwise="its options")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Args:
        argv: What follows ``osteofield`` on the command line; by default that of this process.

    Returns:
        The exit status (`osteofield.cli.status`).
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and not arguments[0].startswith("-") and arguments[0] not in VERBS:
        complain([Problem(f"there is no verb '{arguments[0]}'{did_you_mean(arguments[0], VERBS)}")])
        return WRONG_INPUT
    if not arguments:
        parser().print_help()
        return WRONG_INPUT
    try:
        args, unknown = parser().parse_known_args(arguments)
    except SystemExit as e:  # argparse has printed help, version or what is wrong
        return e.code if isinstance(e.code, int) else WRONG_INPUT
    if unknown:
        complain(_not_taken(arguments[0], args.options, unknown))
        return WRONG_INPUT
    args.own_process = argv is None  # which ends with the verb
    try:
        status: int = args.execute(args)
        sys.stdout.flush()
        return status
    except InputError as e:
        complain(e.problems)
        return WRONG_INPUT
    except ComputationStopped as e:
        warn(f"the computation stopped: {e}")
        return STOPPED
    except BrokenPipeError:  # `osteofield models | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as e:
        if e.filename is None:
            end_other_ranks(STOPPED, traceback.print_exc)
            raise
        warn(f"the computation stopped: {e.strerror}: {e.filename}")
        end_other_ranks(STOPPED, traceback.print_exc)
        return STOPPED
    except KeyboardInterrupt:
        warn("interrupted.")
        end_other_ranks(130, traceback.print_exc)
        return 130
    except BaseException:
        end_other_ranks(STOPPED, traceback.print_exc)
        raise
