# The numbers of a reading as C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.engine.route cimport Route

@cython.locals(route=Route, at_ms="long long", reads=double, ordinal="long long", identity=str)
cpdef sift(object batch, list routes, object clock, long long fresh_ms, object hear)

@cython.locals(ordinal="long long")
cdef long long number(Route route, str identity)
