# The engine's state in three parts: what a network is, the memory it works in, and what one call asks for.
#
# How data travels: rows of the caller's row-major arrays are gathered (and transposed) into a feature-major workspace of at
# most `Workspace.rows` rows; a larger batch goes through it piece by piece, its gradient summed.  Padding lanes repeat the
# first row with weight zero, so that no kernel needs a remainder loop.  Only a first layer of few units on wide rows reads
# the caller's rows where they lie (`Pass.direct`).

cdef extern from "kernels/kernels.h" nogil:
    Py_ssize_t GD_DIRECT_UNITS
    Py_ssize_t GD_DIRECT_INPUTS
    Py_ssize_t GD_DIRECT_ROWS
    Py_ssize_t GD_PIECE_VALUES
    Py_ssize_t GD_PIECE_ROWS
    Py_ssize_t GD_PIECE_MOST
    Py_ssize_t GD_PIECE_WORK
    Py_ssize_t GD_ROW_WORK
    Py_ssize_t GD_THREADED_CHECK
    Py_ssize_t GD_SHORT_BYTES
    double GD_SIGNAL_WORK
    double gd_seconds()

cdef enum:
    ANALYTIC
    FORWARD
    CENTRAL

GRADIENTS = {"analytic": ANALYTIC, "forward": FORWARD, "central": CENTRAL}

PHASES = ("gather", "forward", "loss", "backward", "update")
cdef enum:
    GATHER_PHASE
    FORWARD_PHASE
    LOSS_PHASE
    BACKWARD_PHASE
    UPDATE_PHASE
    N_PHASES


class NotFinite(ValueError):
    """A row with nan or inf was met while the network was at work; what changed until then stays changed."""


cdef struct Net:                 # what a network is: a chain of layers, a loss, metrics
    Py_ssize_t n_layers
    Py_ssize_t n_in
    Py_ssize_t n_out
    Py_ssize_t n_params
    Py_ssize_t n_metrics
    Py_ssize_t n_regularizers
    Py_ssize_t n_constraints
    Layer* layers
    Regularizer* regularizers
    Constraint* constraints
    double* scratch              # for regularizers
    Py_ssize_t first_trainable   # the first layer with something to learn
    bint needs_full_batch        # a batch must not be cut in pieces: its statistics are needed
    bint is_stochastic           # some layer draws numbers
    bint has_activity            # some layer has a penalty on its output
    void* state                  # what no gradient changes: moving statistics, constants
    bint has_loss
    Loss loss
    double loss_weight           # what the loss is multiplied by, but not penalties
    Loss* metrics
    bint keeps_logits            # what enters the last activation is looked at by the loss or a metric
    bint one_hot                 # targets are class numbers, gathered as one-hot columns

cdef struct Workspace:           # memory for so many rows at a time; m below is that of the rows at work
    Py_ssize_t rows
    bint has_moves               # room for finite differences
    void* memory
    size_t bytes
    void* x                      # (n_in, m)
    void* y                      # (n_out, m)
    void* weight                 # (m,) sample weights, 0 in padding
    void* live                   # (m,) 1, and 0 in padding
    void* scale                  # (m,) weight times the reduction's factor
    void* value                  # (m,) the loss by row
    void* row                    # (m,) scratch
    void* total                  # (m,) scratch
    void* more                   # (m,) scratch
    void* delta                  # two of (widest, m)
    void* delta_other
    void** z                     # by layer, (n_out, m): before the activation
    void** a                     # by layer: after it (the same memory where nothing needs z again)
    void** z_moved               # the same with one parameter moved, for finite differences
    void** a_moved
    void** saved                 # by layer: what its forward pass saves for backward

cdef struct Pass:                # what one call asks for, and how far it has come
    const void* x                # the caller's rows, targets and sample weights (NULL: all 1), row-major
    const void* y
    const void* w
    Py_ssize_t y_width
    const int64_t* order         # NULL: as they lie
    Py_ssize_t end               # of the rows that this call goes through
    int method                   # how the gradient is taken, and the step of differences
    double h
    bint training                # whether layers behave as in training
    bint learns                  # whether a gradient is wanted
    bint moves_statistics        # whether moving statistics move on
    bint direct                  # the first layer reads rows where they lie; then Workspace.x has its kernel
    bint accumulates             # whether dense layers add to the gradient, as other layers do
    bint watched                 # rows may hold nan or inf, which must be noticed
    bint found_nonfinite         # and one of this batch does
    bint gathered                # the rows of the batch to come are in the workspace already
    Py_ssize_t first             # of the rows at work
    Py_ssize_t n_batch           # rows of the batch at work
    Py_ssize_t n_live            # rows in the workspace, without padding
    double* timings              # seconds spent in each of PHASES, or NULL where nobody asks
    double timed_at              # when the last of them ended
    double work                  # multiply-adds since the last look at the signals
    PyObject* progress           # called with (rows done, sum of the loss over them) now and then, or NULL
    void* outputs                # (rows, n_out) for the outputs of a pass as they are visited, or NULL
    const double* loss_scale     # what gradients are multiplied by, or NULL
    double loss_factor           # that, or 1
    Py_ssize_t steps             # updates made by this call
    Py_ssize_t rows_done
    double loss_so_far

cdef struct Engine:
    Net net
    Workspace space
    Pass run


cdef int look_at_signals(Pass* run, double work) except -1 nogil:
    """Some milliseconds after the last time: Ctrl-C, and whoever follows the progress."""
    run.work += work
    if run.work > GD_SIGNAL_WORK:
        run.work = 0
        with gil:
            PyErr_CheckSignals()
            if run.progress != NULL:
                (<object>run.progress)(run.rows_done, run.loss_so_far)
    return 0


cdef inline void time_phase(Pass* run, int phase) noexcept nogil:
    """The time since the last phase ended belongs to this one."""
    cdef double now
    if run.timings != NULL:
        now = gd_seconds()
        run.timings[phase] += now - run.timed_at
        run.timed_at = now
