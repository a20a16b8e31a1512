# Values of sensors as C's numbers where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython

cdef class Moving:
    cdef public object liars, joined
    cdef public Py_ssize_t count
    cdef Py_ssize_t _width
    cdef object _limits_of
    cdef double[:, ::1] _came
    cdef double[::1] _limits, _soon, _units
    cdef double _share
    cdef bint _scaled
    cdef Py_ssize_t[::1] _at

    @cython.locals(at="Py_ssize_t[::1]", units="double[::1]", share=double, even=double, whole=bint, tick=Py_ssize_t,
                   column=Py_ssize_t, value=double)
    cdef bint _read(self, object ticks, double[:, ::1] came, float[:, ::1] kept, double[:, ::1] readings) except -1

    @cython.locals(soon="double[::1]", limits="double[::1]", last="long long", column=Py_ssize_t, tick=Py_ssize_t,
                   before=double, when=double, now=double)
    cdef bint _all_move(self, double[:, ::1] came, double[::1] back, double[::1] moved, long long first) except -1
