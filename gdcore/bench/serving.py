"""A worker's side: it answers requests until the other end of its connection is closed.

A request is a name and an argument; an answer is ("done", what came of it), ("does not fit", why) or
("failed", the traceback).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from .peers import DoesNotFit, Peer, Runner, enter
from .sampling import in_order, sample, tune
from .workloads import Workload


class PeerStation:
    """One workload at a time, with a peer's runner."""

    runner: Runner
    workload: Workload

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def requests(self) -> Mapping[str, Callable[[Any], Any]]:
        """What it can be asked, by name."""
        return {"prepare": self.prepare, "sample": self.sample, "result": lambda _: self.runner.result()}

    def prepare(self, workload: Workload) -> tuple[list[Any], str]:
        """(what must agree between peers, the settings that are fastest)"""
        self.workload = workload
        self.__dict__.pop("runner", None)  # the memory of the one before
        self.runner = self.peer.runner(workload)
        return in_order(self.runner, workload), tune(self.runner, workload)

    def sample(self, seconds: float) -> tuple[float, float]:
        return sample(self.runner, self.workload, seconds)


def serve(connection: Any, requests: Mapping[str, Callable[[Any], Any]]) -> None:
    """Answer with what the functions of `requests` return or raise."""
    while True:
        try:
            request, argument = connection.recv()
        except EOFError:
            return
        try:
            answer = requests[request](argument)
        except DoesNotFit as reason:
            connection.send(("does not fit", str(reason)))
        except Exception:
            connection.send(("failed", traceback.format_exc()))
        else:
            connection.send(("done", answer))


def serve_peer(connection: Any, name: str) -> None:
    """Be the process of the peer of that name."""
    serve(connection, PeerStation(enter(name)).requests())
