# The numbers of a look as C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython

cdef class Hush:
    cdef public list gates
    cdef public object joined
    cdef public Py_ssize_t count
    cdef Py_ssize_t _day
    cdef list _limits, _begins, _made, _roots
    cdef Py_ssize_t[::1] _windows
    cdef Py_ssize_t[:, ::1] _loud
    cdef double[::1] _shift, _white

    @cython.locals(place=Py_ssize_t, output=Py_ssize_t)
    cdef void _add_up(self, double[:, ::1] sums, float[:, ::1] residuals, Py_ssize_t row) except *

    @cython.locals(
        least=double, begin=Py_ssize_t, width=Py_ssize_t, found=bint, shift="double[::1]", white="double[::1]",
        windows="Py_ssize_t[::1]", loud="Py_ssize_t[:, ::1]", ticks=Py_ssize_t, before=Py_ssize_t, part=double, place=Py_ssize_t, end=Py_ssize_t,
        window=Py_ssize_t, middle=Py_ssize_t, span=double, first=Py_ssize_t, output=Py_ssize_t, at=Py_ssize_t,
        other=Py_ssize_t, power=double, since=double)
    cdef bint _look(self, Py_ssize_t area, double[:, :, ::1] roots, double[:, ::1] sums, Py_ssize_t row,
                    Py_ssize_t behind) except -1
