# What of open ticks is C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cdef class _Heard:
    cdef public object begin_ms, end_ms
    cdef public list row

cdef class OpenSteps:
    cdef public object next_slot
    cdef object _keys
    cdef dict _places, _rows, _more
    cdef _Heard _heard
