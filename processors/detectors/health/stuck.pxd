# The numbers of a walk over readings as C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython
from processors.engine.kept cimport Kept

@cython.locals(
    low=double, high=double, share=double, value=double, total=double, step=double, now=double, room=double,
    time_ms="long long", at_ms="long long", still="long long", still_ms="long long", longest_ms="long long",
    moves="long long", before_moves="long long", at=Py_ssize_t,
)
cpdef go_on(object watch, Kept kept, Py_ssize_t first, object bounds)

cpdef double _usual_step(double step, double change, long long moves)
