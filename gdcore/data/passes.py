"""How many rows make a batch, and how many batches a pass."""

from __future__ import annotations

UNKNOWN_BATCHES = 1 << 62
"""So many batches stand for an unknown number of them."""


def batches_of_pass(rows: int, batch_size: int | None, steps: int | None) -> tuple[int, int]:
    """Rows to a batch and batches to a pass, of which either may be given."""
    batch = batch_size or (-(-rows // steps) if steps else 32)
    return batch, steps or -(-rows // batch)
