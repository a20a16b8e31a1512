# The numbers of a walk over readings as C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython

@cython.locals(
    low=double, high=double, share=double, value=double, total=double, step=double, now=double, room=double,
    time_ms="long long", at_ms="long long", still="long long", still_ms="long long", longest_ms="long long",
    moves="long long", before_moves="long long",
)
cpdef go_on(object watch, object kept, object bounds)

cpdef double _usual_step(double step, double change, long long moves)
