# The numbers of a walk over readings as C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.detectors.health.watch cimport Row, Watch
from processors.engine.kept cimport Kept

cdef class GoingOn:
    cdef Watch _watch
    cdef object _bounds
    cdef long long _least_ms

    @cython.locals(
        watch=Watch, low=double, high=double, share=double, value=double, total=double, step=double, now=double,
        room=double, time_ms="long long", at_ms="long long", still="long long", still_ms="long long",
        longest_ms="long long", moves="long long", before_moves="long long", at=Py_ssize_t, count=Py_ssize_t,
    )
    cpdef object absorb(self, Kept kept, Py_ssize_t first)

cpdef moved(Watch watch, long long time_ms, double value, object bounds)
cpdef double _usual_step(double step, double change, long long moves)
cpdef long long due(Watch watch, long long time_ms, object bounds)
cpdef bint is_learnt(Watch watch, long long time_ms, object bounds)
cpdef long long patience(long long longest_ms, object bounds)
