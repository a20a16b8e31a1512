# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.detectors.parking.cameras cimport Heard, Skew
from processors.detectors.parking.joining cimport Word
from processors.detectors.parking.state cimport Source, Spot, Stay

cdef long long _PASSED_MAX, _HOUR_MS, _NEVER_MS, _JITTER_MS
cdef double _STOPPED_S

cdef class Sight:
    cdef public object event, name
    cdef public Spot spot
    cdef public Source source
    cdef public long long time_ms
    cdef public bint stands, taken

@cython.locals(
    spot=Spot, source=Source, heard=Heard, skew=Skew, time_ms="long long", arrival_ms="long long",
    stands=bint, taken=bint,
)
cpdef Sight news(object state, object event)

cpdef bint is_lost(object event)

cdef _passes(Spot spot, object event, object name, object time_ms)

@cython.locals(came_ms="long long", first_ms="long long")
cdef _first_coming(dict coming)

@cython.locals(left_ms="long long", first_ms="long long")
cdef _first(dict passed)

@cython.locals(stay=Stay)
cdef bint _is_nothing_new(Spot spot, Source source, object event, long long time_ms, long long arrival_ms)

@cython.locals(
    spot=Spot, time_ms="long long", still_ms="long long", rolls_ms="long long", counts="long long",
    taken=bint, lost=bint, word=Word,
)
cpdef Word word_of(Sight sight)
