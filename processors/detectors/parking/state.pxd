# Which numbers are C's where it is compiled; see docs/decisions/0031-compiled-modules.md.
cimport cython

cdef long long _NEVER_MS, _SETTLES_MS

cdef class Lengths:
    cdef public long long clear, gone, cool, join_gap, fresh, wait, words, rolls
    cpdef tuple row(self)

cdef class Said:
    cdef public object device, name, identity, value
    cdef public long long time_ms, arrival_ms
    cpdef tuple row(self)

cdef class Source:
    cdef public object camera, stay, box, boot, seq
    cdef public Said said
    cdef public bint taken
    cdef public long long newest_ms, put_off_ms, beat_ms
    cpdef tuple row(self)

cdef class Stay:
    cdef public long long since_ms, judged_ms, tracks, words, words_needed, said_ms, every_ms, resumed_ms, quiet_ms
    cdef public long long epoch_ms
    cdef public bint waits, doubted, lost, offends
    cdef public Said first, last
    cdef public object verdict, look_ms, camera, box, plate, overlap, fresh_ms, free_ms, freed, left_ms
    @cython.locals(wait_ms="long long")
    cpdef long long due_ms(self, Lengths lengths)
    cpdef str what_is_due(self)
    cpdef tuple row(self)

cdef class Spot:
    cdef public object site, activity, opened, cameras, shard, armed_ms
    cdef public Lengths lengths
    cdef public dict sources, stays, watches, flags, said, objects, intervals, other, cooling, left, passed, coming
    cdef public dict devices
    cdef public long long count, behind_ms, due_ms
    @cython.locals(source=Source, stay=Stay, word=Said)
    cpdef tuple row(self)
