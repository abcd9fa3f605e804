# What threads share: counters that several add to at once, and how to wait for one.

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(__GNUC__) || defined(__clang__)
      #if defined(__x86_64__) || defined(__i386__)
        #define BA_PAUSE() __builtin_ia32_pause()
      #elif defined(__aarch64__)
        #define BA_PAUSE() __asm__ volatile("yield")
      #else
        #define BA_PAUSE() ((void)0)
      #endif
      static inline int64_t ba_add(int64_t *p, int64_t x) {
        return __atomic_fetch_add(p, x, __ATOMIC_ACQ_REL); }
      static inline int64_t ba_load(int64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
    #else
      #include <intrin.h>
      #define BA_PAUSE() YieldProcessor()
      static __inline int64_t ba_add(int64_t *p, int64_t x) {
        return _InterlockedExchangeAdd64((volatile __int64 *)p, x); }
      static __inline int64_t ba_load(int64_t *p) {
        return _InterlockedCompareExchange64((volatile __int64 *)p, 0, 0); }
    #endif
    #if defined(_WIN32)
      #define WIN32_LEAN_AND_MEAN /* no macros named small, near or far */
      #define NOMINMAX
      #include <windows.h>
      #define BA_YIELD() SwitchToThread()
    #else
      #include <sched.h>
      #define BA_YIELD() sched_yield()
    #endif
    """
    void BA_PAUSE() noexcept nogil
    void BA_YIELD() noexcept nogil
    int64_t ba_add(int64_t*, int64_t) noexcept nogil
    int64_t ba_load(int64_t*) noexcept nogil
