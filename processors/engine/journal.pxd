# What of a journal is C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cdef class Absorbing:
    cdef public object absorb, until_ms
    cdef public Py_ssize_t upto

cdef class Journal:
    cdef public list entries, dozing
    cdef public object keepers, forget
    cdef public Py_ssize_t limit

cdef class Told:
    cdef public object slot, event, clock
