# Arrays that grow at their end.
#
#     data  | used bytes ......... | free ... |
#           '------------- room --------------'
#
# A list of all zeros is an empty one. Its memory is the owner's to free: ``free(list.data)``. Data
# may move whenever a list grows, so a pointer into it is good until then.

cdef struct Growable:
    char* data
    index used      # bytes
    index room      # bytes


cdef int reserve(Growable* list_, index size) except -1 nogil:
    """Makes room for `size` bytes more behind what is used."""
    cdef index room = list_.room if list_.room else 1024
    cdef char* data
    while list_.used + size > room:
        room *= 2
    if room != list_.room:
        data = <char*>realloc(list_.data, room)
        if data == NULL:
            with gil:
                raise MemoryError("no memory left for the gates of the circuit")
        list_.data = data
        list_.room = room
    return 0


cdef inline char* extend(Growable* list_, index size) except NULL nogil:
    """Adds `size` bytes, 1 at least, uninitialised; returns where they begin."""
    if list_.used + size > list_.room:
        reserve(list_, size)
    list_.used += size
    return list_.data + list_.used - size


cdef inline index count_of(const Growable* list_, size_t size) noexcept nogil:
    """How many things of `size` bytes there are in a list."""
    return list_.used // <index>size


cdef inline index push_int64(Growable* list_, int64_t value) except -1 nogil:
    """Adds a number to a list of int64; returns its place."""
    (<int64_t*>extend(list_, sizeof(int64_t)))[0] = value
    return count_of(list_, sizeof(int64_t)) - 1


# Memory of lists that nobody uses any more is kept for those of the next owner: fresh pages take
# longer than what is written to them. Whoever takes or keeps a spare one holds the GIL.

cdef enum:
    SPARES = 8              # kinds of lists
    LARGEST_SPARE = 1 << 20

cdef Growable spares[SPARES]


cdef int start_list(Growable* list_, int kind, index size) except -1:
    """Makes an empty list with room for `size` bytes, of a spare one that is not far too large."""
    if spares[kind].data != NULL and spares[kind].room <= 8 * (size + 1024):
        list_[0] = spares[kind]
        spares[kind] = Growable(NULL, 0, 0)
    return reserve(list_, size)


cdef inline void keep_spare(Growable* list_, int kind) noexcept:
    """Frees a list that is not used any more, or keeps its memory."""
    if spares[kind].data == NULL and list_.room <= LARGEST_SPARE:
        spares[kind] = Growable(list_.data, 0, list_.room)
    else:
        free(list_.data)
    list_[0] = Growable(NULL, 0, 0)
