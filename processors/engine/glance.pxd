# Which numbers and objects are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.engine.journal cimport Journal, Told
from processors.engine.slot cimport Slot

cdef Py_ssize_t _HEAVIER

@cython.locals(slot=Slot)
cpdef show(Journal journal, list seers, object event, object clock, object settle, object take_in, object set_aside)
