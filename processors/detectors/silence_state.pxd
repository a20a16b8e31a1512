# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.engine.kept cimport Kept

cdef class Device:
    cdef public object shard, opened
    cdef public dict facilities
    cdef public double chance
    cdef public long long patience_ms, heard_ms, every_ms, begun_ms, lost, more_ms, blind_ms
    cpdef tuple row(self)
    cpdef long long deadline_ms(self)
    cpdef note(self, long long now_ms, str shard)
    cpdef absorb(self, Kept kept, Py_ssize_t first)

@cython.locals(device=Device, next_ms="long long", deadline_ms="long long")
cpdef long long soonest_ms(dict devices, dict newest)
