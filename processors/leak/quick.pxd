# The numbers of a tick as C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython

cdef class Quick:
    cdef public object reader, model, matrix
    cdef public bint inflow
    cdef public Py_ssize_t pressures, sensors, width
    cdef public double leaking
    cdef bint _pumped, _levelled
    cdef Py_ssize_t _pump, _level, _used
    cdef double _tank_m2, _reference, _unmetered, _flow
    cdef long long _per_day, _day
    cdef object _known, _beta, _offset, _shifts, _expected
    cdef double[:, ::1] _taken
    cdef double[::1] _flows, _usual

    @cython.locals(tick=Py_ssize_t)
    cpdef bint is_dry(self, double[:, ::1] readings, Py_ssize_t begin)

    @cython.locals(end=Py_ssize_t, tick=Py_ssize_t, column=Py_ssize_t, place=Py_ssize_t, day="long long", before=double,
                   level=double, rise=double, total=double, unit=double)
    cpdef void balance(self, object state, double[:, ::1] readings, Py_ssize_t begin, Py_ssize_t row, long long number) except *

    @cython.locals(column=Py_ssize_t, inflow=Py_ssize_t, at=Py_ssize_t, reference=double, first=double, used=double,
                   load=double, share=double, pump=double, total=double, u=double, on=double, known=double,
                   clipped=double, drawn=double, split=double, loss=double, bent=double, floor=double)
    cpdef double terms(self, double[:, ::1] readings, Py_ssize_t tick, Py_ssize_t begin, double[:, ::1] into) except? -1.0

@cython.locals(least=double, slope=double, sloped=double)
cdef double _sloped(double load)

cdef class Sheet:
    cdef public list quicks
    cdef list _begins, _outputs, _terms, _rows, _products
    cdef object _expected, _left
    cdef double[::1] _evens

    @cython.locals(begin=Py_ssize_t, output=Py_ssize_t, tick=Py_ssize_t, pressure=Py_ssize_t, at=Py_ssize_t, even=double)
    cdef void _leave(self, Py_ssize_t place, Quick quick, double[:, ::1] readings, double[:, ::1] terms,
                     double[:, ::1] expected, double[:, ::1] left) except *
