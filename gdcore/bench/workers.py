"""The benchmark's side: the processes that work for it, a peer or a build of gdcore in each."""

from __future__ import annotations

import multiprocessing
from typing import Any, Protocol

from .serving import serve_peer

PATIENCE = 900.0  # seconds to wait for an answer


class Connection(Protocol):
    """What `multiprocessing.Pipe` gives, or looks like it."""

    def send(self, message: Any, /) -> None: ...
    def poll(self, timeout: float, /) -> bool: ...
    def recv(self) -> Any: ...
    def close(self) -> None: ...


class Worker:
    """A process at the other end of a connection.

    Attributes
    ----------
    name : str
        Who works there.
    """

    def __init__(self, name: str, connection: Connection, process: Any) -> None:
        self.name = name
        self._connection = connection
        self._process = process

    def ask(self, request: str, argument: Any = None) -> tuple[str, Any]:
        """("done", answer), ("does not fit", why) or ("failed", what happened)."""
        try:
            self._connection.send((request, argument))
            if self._connection.poll(PATIENCE):
                state, answer = self._connection.recv()
                return state, answer
        except (EOFError, OSError):
            return "failed", f"the process of {self.name} has ended"
        self._process.kill()
        return "failed", f"no answer within {PATIENCE:.0f} seconds"

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()


def start_peer(name: str) -> Worker:
    """A process of this interpreter for the peer of that name."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_peer, args=(theirs, name), daemon=True)
    process.start()
    theirs.close()
    return Worker(name, ours, process)
