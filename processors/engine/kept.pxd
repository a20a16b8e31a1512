# The columns of readings that were kept as C's where they are compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython

@cython.no_gc
cdef class Kept:
    cdef public Py_ssize_t count
    cdef public object series
    cdef public str prefix
    cdef public list whences, identities
    cdef public long long now_ms
    cdef long long words[128]
    cdef double values[32]

    cpdef long long time(self, Py_ssize_t at)
    cpdef double value(self, Py_ssize_t at)
    cpdef long long ordinal(self, Py_ssize_t at)
    cpdef str identity(self, Py_ssize_t at)
    cpdef object shard(self)
    cdef long long whence(self, Py_ssize_t at)
    cpdef tuple row(self, Py_ssize_t at)
    @cython.locals(at=Py_ssize_t, before="long long")
    cpdef tuple last_word(self, Py_ssize_t first)
