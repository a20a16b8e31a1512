# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.detectors.parking.joining cimport Word
from processors.detectors.parking.sightings cimport Sight
from processors.detectors.parking.state cimport Lengths, Source, Spot, Stay

cdef long long _ENDS_MS, _BEHIND_MS

@cython.locals(spot=Spot, source=Source, time_ms="long long", word=Word, first=Word, after=Word)
cdef _on_sight(object state, Sight sight, object turn)

@cython.locals(lengths=Lengths, source=Source, stay=Stay, changed=bint)
cdef _hear(object state, Spot spot, object event, Word word, object turn)

cdef _hear_older(object state, Spot spot, Stay stay, object event, Word word, object turn)

@cython.locals(stay=Stay)
cdef _catch_up(object state, Spot spot, Source source, Word word, Lengths lengths, object turn)

cdef long long _stood_until(Word word)

@cython.locals(lengths=Lengths, stay=Stay, known=bint, unseen=bint)
cdef _stands(object state, Spot spot, Source source, object event, Word word, object turn)

@cython.locals(one=Source, says=bint)
cdef bint _is_unseen(Spot spot, long long at_ms)

@cython.locals(source=Source, stay=Stay)
cdef _is_gone(Spot spot, object number, long long at_ms, object event)

@cython.locals(stay=Stay, due_ms="long long", until_ms="long long")
cdef _leaves(object state, Spot spot, Source source, object event, Word word, object turn)

cdef _place(Spot spot, object event, long long time_ms, object turn)

@cython.locals(spot=Spot)
cdef _on_timer(object state, object due, object turn)

@cython.locals(at_ms="long long")
cdef _arm(Spot spot, object due, object turn)
