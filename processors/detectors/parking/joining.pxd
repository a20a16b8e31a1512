# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.detectors.parking.state cimport Lengths, Source, Spot, Stay

cdef class Word:
    cdef public object name, camera, said, box, plate, fresh_ms
    cdef public long long time_ms, still_ms, since_ms, counts
    cdef public bint taken, lost, rolled, sudden, missing
    @cython.locals(word=Word)
    cpdef Word at(self, long long time_ms, long long still_ms, long long counts, bint taken, bint lost)

cpdef note(Spot spot, Stay stay, Word word, long long words_needed)

@cython.locals(stay=Stay, other=Source)
cpdef Stay stay_of(object state, Spot spot, Source source, Word word, Lengths lengths)

cpdef began_earlier(object state, Spot spot, Stay stay, Word word)

cpdef recall(Spot spot, Stay stay, object name)

@cython.locals(stay=Stay)
cdef _found(object state, Spot spot, Word word, Lengths lengths)

@cython.locals(stay=Stay)
cpdef list displaced(object state, Spot spot, Word word)

cdef bint _is_stale(Stay stay, Word word, Lengths lengths)

cdef bint _another(Stay stay, Word word)
