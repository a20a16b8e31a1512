# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.detectors.parking.state cimport Lengths, Source, Spot, Stay

cdef long long _TOGETHER_MS, _NEVER_MS

@cython.locals(lengths=Lengths, stay=Stay, source=Source, at_ms="long long", due_ms="long long", gone_ms="long long")
cpdef next_of(object state, Spot spot)

cdef long long _some_time(long long at_ms)

cpdef do_due(object state, Spot spot, object until_ms, object turn)
