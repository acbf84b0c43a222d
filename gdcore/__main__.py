"""The command line ``gdcore``, or ``python -m gdcore``.

``lesson`` runs the course's experiments, ``verify`` compares every part with Keras, ``bench`` times, ``info`` says
what is installed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ._version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gdcore", description="Gradient descent at C speed.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (add_lesson, add_verify, add_bench, add_info):
        add(commands)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except BadArguments as error:
        command: argparse.ArgumentParser = chosen.parser
        command.error(str(error))
    except (ValueError, OSError) as error:
        return failed(error)
    except ImportError as error:
        if error.name != "matplotlib":
            raise
        return failed(error)


class BadArguments(Exception):
    """The command line makes no sense; its usage is shown, and the exit status is 2."""


def failed(error: Exception) -> int:
    """Say why a command came to no end; the exit status for it."""
    print(f"gdcore: {error}", file=sys.stderr)
    return 1


def add_lesson(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("lesson", help="run an experiment of the course")
    parser.add_argument("name", nargs="?", default="by-hand", metavar="NAME", help="which one (default: by-hand)")
    parser.add_argument("--list", action="store_true", help="list the names and stop")
    parser.add_argument("--plots", default="gdcore-lesson", metavar="DIR", help="folder for pictures (%(default)s)")
    parser.add_argument(
        "--lang", default="en", choices=("en", "es"), help="language of pictures and report (%(default)s)"
    )
    parser.set_defaults(run=run_lesson, parser=parser)


def run_lesson(chosen: argparse.Namespace) -> int:
    from ._names import look_up
    from .lessons import LESSONS

    if chosen.list:
        for name, module in LESSONS.items():
            print(f"{name:<15} {(module.__doc__ or '').splitlines()[0]}")
        return 0
    try:
        lesson = look_up("lesson", chosen.name, LESSONS)
    except ValueError as error:
        raise BadArguments(error) from None
    try:
        return int(lesson.main(chosen.plots, chosen.lang))
    except (FileNotFoundError, ConnectionError):  # data that are not here, or damaged
        raise
    except OSError as error:
        raise OSError(f"cannot write the pictures: {error}") from error


def add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("verify", help="compare every part with Keras")
    parser.add_argument("--only", metavar="PART", help="one part: optimizers, activations, losses, ...")
    parser.add_argument("--live", action="store_true", help="with the Keras installed here, not with stored figures")
    parser.add_argument("--gradients", action="store_true", help="analytic gradients against central differences")
    parser.add_argument("--seed", type=int, help="what --live and --gradients draw their set-ups from")
    parser.set_defaults(run=run_verify, parser=parser)


def run_verify(chosen: argparse.Namespace) -> int:
    from .verification import verify

    try:
        report = verify(chosen.only, live=chosen.live, gradients=chosen.gradients, seed=chosen.seed)
    except (ValueError, ImportError) as error:
        raise BadArguments(error) from None
    print(report)
    return 0 if report else 1


def add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from . import bench

    parser = commands.add_parser("bench", help="time gdcore against its peers, the machine, or another build")
    bench.add_arguments(parser)
    parser.set_defaults(run=run_bench, parser=parser)


def run_bench(chosen: argparse.Namespace) -> int:
    from . import bench

    try:
        return bench.main(chosen)
    except ValueError as error:
        raise BadArguments(error) from None
    except OSError as error:
        raise OSError(f"cannot write the report: {error}") from error
    except RuntimeError as error:  # a worker that failed
        return failed(error)


def add_info(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("info", help="print versions, which build of the core is in use, and on what machine")
    parser.set_defaults(run=run_info, parser=parser)


def run_info(chosen: argparse.Namespace) -> int:
    from .config import show_config

    show_config()
    return 0


if __name__ == "__main__":
    sys.exit(main())
