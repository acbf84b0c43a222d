"""The command line: ``python -m gdcore lesson`` runs the course's experiments, ``verify`` compares every part with
Keras, ``info`` says what is installed."""

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gdcore", description="Gradient descent at C speed.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    lesson = commands.add_parser("lesson", help="run an experiment of the course")
    lesson.add_argument("name", nargs="?", default="by-hand", metavar="NAME", help="which one (default: by-hand)")
    lesson.add_argument("--list", action="store_true", help="list the names and stop")
    lesson.add_argument("--plots", default="gdcore-lesson", metavar="DIR", help="folder for pictures (%(default)s)")
    verify = commands.add_parser("verify", help="compare every part with Keras")
    verify.add_argument("--only", metavar="PART", help="one part: optimizers, activations, losses, ...")
    verify.add_argument("--live", action="store_true", help="with the Keras installed here, not with stored figures")
    verify.add_argument("--gradients", action="store_true", help="analytic gradients against central differences")
    verify.add_argument("--seed", type=int, help="what --live and --gradients draw their set-ups from")
    commands.add_parser("info", help="print the version and which build of the core is in use")
    chosen = parser.parse_args(arguments)
    if chosen.command == "info":
        return _info()
    if chosen.command == "verify":
        from ._verify import verify as compare

        try:
            report = compare(chosen.only, live=chosen.live, gradients=chosen.gradients, seed=chosen.seed)
        except (ValueError, ImportError) as error:
            parser.error(str(error))
        print(report)
        return 0 if report else 1

    from ._names import look_up
    from .lessons import LESSONS

    if chosen.list:
        for name, module in LESSONS.items():
            print(f"{name:<12} {(module.__doc__ or '').splitlines()[0]}")
        return 0
    try:
        found = look_up("lesson", chosen.name, LESSONS)
    except ValueError as error:
        parser.error(str(error))
    try:
        return int(found.main(chosen.plots))
    except OSError as error:
        print(f"gdcore: cannot write the pictures: {error}", file=sys.stderr)
        return 1


def _info() -> int:
    import platform

    import numpy

    from . import __version__
    from ._core import ISA

    print(f"gdcore {__version__}, core built for {ISA}")
    print(f"Python {platform.python_version()}, NumPy {numpy.__version__}, {platform.machine()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
