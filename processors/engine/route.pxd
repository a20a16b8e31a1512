# Which numbers of a route are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cdef class Route:
    cdef public double low, high, room, value
    cdef public long long time_ms, gap_ms, until_ms, pause_ms, quiet_ms, after
    cdef public Py_ssize_t start, written, remembered, room_left
    cdef public bint is_numbered, replaced
    cdef public list kept, attentive, all, late
    cdef public object absorbs, asked, ears, journal, kin, lane, next, patience, prefix, seen, seers, series, wait
