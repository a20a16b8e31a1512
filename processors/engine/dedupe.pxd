# Which numbers of what was seen are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from cpython cimport array
from processors.engine.kept cimport Kept

cdef class Lane:
    cdef public array.array ordinals, times, marks
    cdef public long long newest
    cdef public Py_ssize_t purge_at

    @cython.locals(
        at=Py_ssize_t, one=Py_ssize_t, after=Py_ssize_t, known=Py_ssize_t, identities=list,
        ordinals="array.array[long long]", times="array.array[long long]", marks="array.array[unsigned int]",
    )
    cpdef extend(self, Kept kept, Py_ssize_t first, Py_ssize_t start)

cdef class Seen:
    cdef public dict _lanes
    cdef public object _written
    cdef public str prefix
    cdef public bint is_numbered
    cdef public Lane lane
