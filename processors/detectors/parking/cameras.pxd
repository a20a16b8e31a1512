# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython

cdef long long _MINUTE_MS, _MINUTES, _OFTEN
cdef unsigned long long _ALL

cdef class Skew:
    cdef public long long hour, least_ms, heard
    cdef public object before_ms
    cpdef note(self, long long late_ms, long long hour)
    cpdef tuple row(self)

cdef class Heard:
    cdef public long long newest_ms
    cdef public unsigned long long minutes
    @cython.locals(later="long long", bit="unsigned long long")
    cpdef note(self, long long time_ms)
    cpdef tuple row(self)
