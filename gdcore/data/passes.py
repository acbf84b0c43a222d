"""How many batches a pass over the rows has, where that is known, and how many rows a batch."""

from __future__ import annotations

UNKNOWN_BATCHES = 1 << 62
"""Stands for the number of batches of a source that does not know it; more than any pass has."""


def batches_of_pass(rows: int, batch_size: int | None, steps: int | None) -> tuple[int, int]:
    """Rows to a batch and batches to a pass.

    Parameters
    ----------
    rows : int
    batch_size, steps : int, optional
        What was asked for: with `steps` alone the rows are split into so many batches, with neither a batch has 32.
    """
    batch = batch_size or (-(-rows // steps) if steps else 32)
    return batch, steps or -(-rows // batch)
