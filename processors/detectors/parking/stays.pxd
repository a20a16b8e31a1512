# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.detectors.parking.state cimport Lengths, Said, Source, Spot, Stay

@cython.locals(stay=Stay, due_ms="long long")
cpdef pass_time(object state, Spot spot, object number, long long until_ms, Lengths lengths, object turn)

@cython.locals(stay=Stay, lengths=Lengths)
cpdef do(object state, Spot spot, object number, object at_ms, str what, object turn)

@cython.locals(stay=Stay, one=Source)
cpdef leave(Spot spot, object number, object at_ms, object event, bint lost)

@cython.locals(word=Said)
cpdef heard(object state, Spot spot, Stay stay, object event, object turn)

cpdef due_of(Stay stay)

cdef bint _is_sure(object state, Spot spot, Stay stay, object at_ms)

cdef bint _is_awaited(Stay stay, long long at_ms, Lengths lengths)

cpdef begin_anew(object state, Spot spot, Stay stay, Said first, long long at_ms)

@cython.locals(stay=Stay, source=Source)
cpdef end(object state, Spot spot, object number, object at_ms, Lengths lengths, object turn)
