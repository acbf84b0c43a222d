"""The command line: ``lesson`` runs the course's experiments, ``verify`` compares every part with Keras, ``bench``
times, ``info`` says what is installed."""

import argparse
import sys
from collections.abc import Sequence

from . import bench as benchmarks
from .config import show_config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gdcore", description="Gradient descent at C speed.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    lesson = commands.add_parser("lesson", help="run an experiment of the course")
    lesson.add_argument("name", nargs="?", default="by-hand", metavar="NAME", help="which one (default: by-hand)")
    lesson.add_argument("--list", action="store_true", help="list the names and stop")
    lesson.add_argument("--plots", default="gdcore-lesson", metavar="DIR", help="folder for pictures (%(default)s)")
    lesson.add_argument(
        "--lang", default="en", choices=("en", "es"), help="language of pictures and report (%(default)s)"
    )
    verify = commands.add_parser("verify", help="compare every part with Keras")
    verify.add_argument("--only", metavar="PART", help="one part: optimizers, activations, losses, ...")
    verify.add_argument("--live", action="store_true", help="with the Keras installed here, not with stored figures")
    verify.add_argument("--gradients", action="store_true", help="analytic gradients against central differences")
    verify.add_argument("--seed", type=int, help="what --live and --gradients draw their set-ups from")
    bench = commands.add_parser("bench", help="time gdcore against its peers and the machine")
    benchmarks.add_arguments(bench)
    commands.add_parser("info", help="print versions, which build of the core is in use, and on what machine")
    chosen = parser.parse_args(arguments)
    if chosen.command == "info":
        show_config()
        return 0
    if chosen.command == "verify":
        from .verification import verify as compare

        try:
            report = compare(chosen.only, live=chosen.live, gradients=chosen.gradients, seed=chosen.seed)
        except (ValueError, ImportError) as error:
            verify.error(str(error))
        print(report)
        return 0 if report else 1
    if chosen.command == "bench":
        try:
            return benchmarks.main(chosen)
        except ValueError as error:
            bench.error(str(error))
        except OSError as error:
            print(f"gdcore: cannot write the report: {error}", file=sys.stderr)
            return 1

    from ._names import look_up
    from .lessons import LESSONS

    if chosen.list:
        for name, module in LESSONS.items():
            print(f"{name:<15} {(module.__doc__ or '').splitlines()[0]}")
        return 0
    try:
        found = look_up("lesson", chosen.name, LESSONS)
    except ValueError as error:
        parser.error(str(error))
    try:
        return int(found.main(chosen.plots, chosen.lang))
    except (FileNotFoundError, ConnectionError, ValueError) as error:  # data that are not here, or damaged
        print(f"gdcore: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"gdcore: cannot write the pictures: {error}", file=sys.stderr)
    except ImportError as error:
        if error.name != "matplotlib":
            raise
        print(f"gdcore: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
