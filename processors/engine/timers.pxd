# Which numbers and objects are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython

cdef class Timers:
    cdef public list _heap
    cdef public dict _armed
    cdef public Py_ssize_t _count
    @cython.locals(armed=dict)
    cpdef set(self, object zone, object detector, object name, object at_ms)
    @cython.locals(heap=list)
    cpdef list due(self, object now_ms)
    @cython.locals(armed=dict)
    cpdef bint take(self, tuple entry)
    @cython.locals(armed=dict)
    cdef bint _is_armed(self, tuple entry)
    cdef _removed(self, object zone, dict armed)
