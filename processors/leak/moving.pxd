# Values of sensors as C's numbers where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython

cdef class Moving:
    cdef public object liars, joined
    cdef public Py_ssize_t count
    cdef Py_ssize_t _width
    cdef object _limits_of, _scale, _came
    cdef double[::1] _limits, _soon
    cdef Py_ssize_t[::1] _at

    @cython.locals(column=Py_ssize_t, at="Py_ssize_t[::1]")
    cdef void _copy(self, double[:, ::1] came, Py_ssize_t tick, object values) except *

    @cython.locals(soon="double[::1]", limits="double[::1]", last="long long", column=Py_ssize_t, tick=Py_ssize_t,
                   before=double, when=double, now=double)
    cdef bint _all_move(self, double[:, ::1] came, double[::1] back, double[::1] moved, long long first) except -1
