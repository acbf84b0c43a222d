"""A chain of layers on one flat parameter vector: forward, backward, finite differences, whole epochs; descents; arrays.

This text is compiled once for each instruction set (see `_baseline.pyx` and its siblings); `gdcore._core` picks one of the
results when it is imported.  Floors: families/ has one table a family over the C kernels, engine/ what runs them.
"""

cimport cython
from cpython.buffer cimport (PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release,
                             PyObject_GetBuffer)
from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport PyObject
from cpython.pythread cimport PyThread_get_thread_ident
from libc.math cimport ceil as c_ceil, cos as c_cos, log as c_log, pow as c_pow, sin as c_sin, sqrt as c_sqrt
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

import threading

import numpy as np

cdef object np_ndarray = np.ndarray

include "families/math.pxi"
include "families/table.pxi"
include "families/activations.pxi"
include "families/losses.pxi"
include "families/random.pxi"
include "families/layers.pxi"
include "families/penalties.pxi"
include "families/schedules.pxi"
include "families/optimizers.pxi"
include "families/update.pxi"
include "families/surfaces.pxi"
include "engine/types.pxi"
include "engine/workspace.pxi"
include "engine/forward.pxi"
include "engine/backward.pxi"
include "engine/differences.pxi"
include "engine/epoch.pxi"
include "engine/arrays.pxi"
include "engine/updates.pxi"
include "engine/network.pxi"
include "engine/descent.pxi"
include "engine/probe.pxi"
