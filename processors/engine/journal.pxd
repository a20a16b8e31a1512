# What of a journal is C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
from processors.engine.kept cimport Kept

cdef class Journal:
    cdef public list entries, dozing, whences
    cdef public object keepers, forget
    cdef public Py_ssize_t limit

    cpdef note(self, Kept kept, Py_ssize_t first)

cdef class Told:
    cdef public object slot, event, clock
