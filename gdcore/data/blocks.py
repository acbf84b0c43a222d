"""Rows of files larger than memory: read in blocks, and given back to the system after use."""

from __future__ import annotations

from typing import Any

import numpy as np

BLOCK_BYTES = 1 << 25
"""Rows are read from files in blocks of about so many bytes."""


def on_disk(array: Any) -> bool:
    """Whether rows are to be read only as they are needed."""
    return isinstance(array, np.memmap) or type(array).__module__.partition(".")[0] in ("h5py", "zarr")


def block_rows(array: Any, batch: int) -> int:
    """Rows to a block: about `BLOCK_BYTES` of them, in whole batches."""
    row = int(np.prod(array.shape[1:])) * array.dtype.itemsize
    return max(BLOCK_BYTES // max(row, 1) // batch, 1) * batch


def release(array: Any, rows: slice) -> None:
    """Tell the system that these rows of a mapped file are not needed now, so that they do not fill memory."""
    if not isinstance(array, np.memmap) or array.mode == "c":  # with "c" changes live in memory only
        return
    from mmap import PAGESIZE

    mapping = getattr(array, "_mmap", None)
    part = array[rows]
    if mapping is None or not part.size or not part.flags.c_contiguous or not hasattr(mapping, "madvise"):
        return
    import mmap

    start = part.ctypes.data - np.frombuffer(mapping, np.uint8).ctypes.data
    page = start // PAGESIZE * PAGESIZE
    mapping.madvise(mmap.MADV_DONTNEED, page, start + part.nbytes - page)
