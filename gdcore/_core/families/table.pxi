# What all families' tables have in common.  A row is a `Kind` in Python, found by its name, and a struct of kernels at the
# same index in an array of the core.

from gdcore._core.specs import Kind, Slot


cdef Py_ssize_t new_index(dict table, Py_ssize_t most) except -1:
    """Where the next row of a table goes."""
    if len(table) >= most:
        raise AssertionError("a family has more rows than its array in the core")
    return len(table)


cdef row_of(dict table, str family, spec):
    """The row of a description."""
    kind = table.get(spec.kind)
    if kind is None:
        raise ValueError(f"{family}={spec.kind!r} is not one of {', '.join(map(repr, table))}")
    return kind


cdef tuple parameters_of(kind, spec):
    """A description's numbers, as many as its row names."""
    if len(spec.parameters) != len(kind.parameters):
        raise ValueError(f"{kind.name} has {len(spec.parameters)} parameters, expected {len(kind.parameters)}: "
                         f"{', '.join(kind.parameters) or 'none'}")
    return tuple(spec.parameters)


cdef Py_ssize_t size_of(str name, value, Py_ssize_t least=0) except -1:
    """A size that Python gives, between `least` and 2^48, so that products of an item size never overflow."""
    cdef Py_ssize_t size = value
    if not least <= size <= (<Py_ssize_t>1) << 48:
        raise ValueError(f"{name}={value!r} is not between {least} and 2**48")
    return size
