# The numbers of a reading as C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.engine.kept cimport Kept
from processors.engine.route cimport Route

@cython.locals(route=Route, found=list, known=dict)
cpdef list lead(list series, dict zones, object find)

@cython.locals(
    route=Route, kept=Kept, at_ms="long long", reads=double, ordinal="long long", now_ms="long long", identity=str,
    count=Py_ssize_t, grade=Py_ssize_t, whences=list, here=tuple, routes=list,
)
cpdef sift(object batch, list routes, object clock, long long fresh_ms, object hear, object fail)

cdef long long _DIGITS_MAX

@cython.locals(
    ordinal="long long", digit=Py_UCS4, start=Py_ssize_t, end=Py_ssize_t, colon=Py_ssize_t, at=Py_ssize_t
)
cdef long long number(Route route, str identity)
