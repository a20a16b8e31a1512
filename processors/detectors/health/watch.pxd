# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.

cdef class Row:
    cdef public object prefix, boot, seq, left_boot, left_seq
    cpdef tuple row(self)

cdef class Watch:
    cdef public object facility, numbers, habit, leap
    cdef public dict opened
    cdef public double value, low, high, step, total
    cdef public long long first_ms, time_ms, still_ms, due_ms, longest_ms, gap_ms, missed_ms
    cdef public long long still, moves, count, counted, sane
    cpdef tuple row(self)
