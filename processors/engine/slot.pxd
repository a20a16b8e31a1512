# Which numbers and objects are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
from processors.engine.journal cimport Journal

cdef class Slot:
    cdef public object _calm, _checkpoint, _ear, _fold, _rest, _sees, _state
    cdef public Py_ssize_t _behind
    cdef public bint _is_changed, _listens, dozes, rests
    cdef public object detector, label, openings, zone
    cdef public Journal journal
    cpdef fold(self, object event, object clock)
    cpdef fold_noted(self, object event, object clock, Py_ssize_t noted=*)
