# Which numbers of a route are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.engine.dedupe cimport Lane, Seen
from processors.engine.journal cimport Journal
from processors.engine.kept cimport Kept

cdef class Absorbing:
    cdef public object slot, absorb
    cdef public long long until_ms
    cdef public Py_ssize_t upto

    @cython.locals(upto=Py_ssize_t)
    cpdef bint take_in(self, Kept kept) except -1

cdef class Route:
    cdef public double low, high, room, value
    cdef public long long time_ms, gap_ms, until_ms, pause_ms, quiet_ms, after
    cdef public Kept kept
    cdef public Journal journal
    cdef public str prefix
    cdef public list attentive, absorbs
    cdef public Py_ssize_t start, room_left, written, remembered
    cdef public bint is_numbered, replaced, dozes
    cdef public Lane lane
    cdef public Seen seen
    cdef public list all, late
    cdef public object asked, ears, kin, patience, seers, series, wait

    cpdef Kept begin(self)
    cpdef write(self)
    cpdef remember(self)
    @cython.locals(one=Absorbing, kept=Kept, until_ms="long long")
    cpdef list tell(self)
    @cython.locals(one=Absorbing, kept=Kept, until_ms="long long", done=bint)
    cpdef bint tell_one(self, object slot) except -1
    cpdef wake(self)

@cython.locals(route=Route, kept=Kept, found=dict)
cpdef dict newest(list dozing)
