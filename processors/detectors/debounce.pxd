# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.

cdef class Signal:
    cdef public bint on
    cdef public double value
    cdef public long long newest_ms, contrary_ms, count
    cdef public object first, newest, cause, ended
    cpdef tuple row(self)
    cpdef bint is_quiet(self)
    cpdef bint goes_by(self, long long time_ms, double value)
