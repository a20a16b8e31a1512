# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.detectors.parking.state cimport Source
from processors.engine.kept cimport Kept

@cython.locals(
    newest_ms="long long", beat_ms="long long", interval_ms="long long", slack_ms="long long", time_ms="long long",
    since_ms="long long", on_beat=bint, at=Py_ssize_t, after=Py_ssize_t,
)
cpdef go_on(Source source, object every_ms, Kept kept, Py_ssize_t first)

@cython.locals(beyond_ms="long long")
cdef bint _is_multiple(long long span_ms, long long every_ms, long long slack_ms)
