# Coefficients that are computed late: by the thread that carries out a group of circuits, rather
# than by the one that reads them. A `Fill` travels from the reader to the engine in a capsule.

cdef struct Fill:
    void (*run)(Fill*) noexcept nogil   # computes them; as often as it is called
    void* blocks                        # what to compute, as `run` knows it
    Py_ssize_t num
    double* out                         # the coefficients

cdef const char* FILL = "basicaer.fill"
