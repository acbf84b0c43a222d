/* A pool of threads for the loops of one step.
 *
 * gd_run(f, context, parts) calls f(context, part, parts) for each part, on the calling thread and the pool's.  Which
 * numbers a part works out does not depend on the number of parts, so that results have the same bits on one thread
 * and on many.  One caller at a time has the pool; others do their parts themselves, so that many models trained
 * side by side use one thread each.  Workers wait a few microseconds on the processor for the next call and
 * then sleep.  A forked child starts without a pool and makes its own.
 */
#ifndef GDCORE_THREADS_H
#define GDCORE_THREADS_H

#include <stdint.h>
#include <time.h>

/* Since some moment in the past; for differences. */
static double gd_seconds(void)
{
    struct timespec now;
#if defined(CLOCK_MONOTONIC)
    clock_gettime(CLOCK_MONOTONIC, &now);
#else
    timespec_get(&now, TIME_UTC);
#endif
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* How this thread computes: rounding, and whether numbers too small for full precision count as 0.  With gd_flush_denormals they
 * do from here on, until gd_set_mode brings back what it returned.  TensorFlow computes so, and a processor slows down where
 * it has to keep them. */
#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
static unsigned gd_mode(void) { return _mm_getcsr(); }
static void gd_set_mode(unsigned mode) { _mm_setcsr(mode); }
#define GD_DENORMALS_ARE_ZERO 0x8040u
#elif defined(__aarch64__) && defined(__GNUC__)
static unsigned gd_mode(void)
{
    uint64_t mode;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
    return (unsigned)mode;
}
static void gd_set_mode(unsigned mode) { __asm__ __volatile__("msr fpcr, %0" : : "r"((uint64_t)mode)); }
#define GD_DENORMALS_ARE_ZERO (1u << 24)
#else
static unsigned gd_mode(void) { return 0; }
static void gd_set_mode(unsigned mode) { (void)mode; }
#define GD_DENORMALS_ARE_ZERO 0u
#endif

static unsigned gd_flush_denormals(void)
{
    unsigned before = gd_mode();
    gd_set_mode(before | GD_DENORMALS_ARE_ZERO);
    return before;
}

typedef void (*gd_task)(void *context, int part, int parts);

#if defined(_MSC_VER) || defined(__EMSCRIPTEN__)

static int gd_get_threads(void) { return 1; }
static void gd_set_threads(int n) { (void)n; }
static int gd_parts(int worth_it) { (void)worth_it; return 1; }
static void gd_run(gd_task f, void *context, int parts)
{
    int part;
    for (part = 0; part < parts; part++) f(context, part, parts);
}

#else

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define GD_MOST_THREADS 256
#define GD_SPINS 4000        /* looks at the call before sleeping: some ten microseconds */
#define GD_CLOSED 0x40000000    /* nobody may join any more */

static struct {
    gd_task f;
    void *context;
    int parts;
    unsigned mode;              /* how the caller computes, and so all of them */
    int threads;                /* wanted, the caller's among them */
    int started;                /* of the pool */
    atomic_uint call;           /* changes with each call */
    atomic_int joined;          /* workers inside this call, and whether it is closed */
    atomic_int next;            /* part to be taken */
    atomic_int sleeping;
    atomic_flag busy;
    int forks_watched;
    unsigned seen[GD_MOST_THREADS];
    pthread_mutex_t lock;
    pthread_cond_t wake;
} gd_pool = {.threads = 1, .joined = GD_CLOSED, .busy = ATOMIC_FLAG_INIT, .lock = PTHREAD_MUTEX_INITIALIZER,
             .wake = PTHREAD_COND_INITIALIZER};

static inline void gd_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static void gd_take_parts(void)
{
    int part;
    while ((part = atomic_fetch_add(&gd_pool.next, 1)) < gd_pool.parts) gd_pool.f(gd_pool.context, part, gd_pool.parts);
}

static void *gd_work(void *number)
{
    unsigned seen = gd_pool.seen[(intptr_t)number];
    int looks;
    for (;;) {
        for (looks = 0; atomic_load(&gd_pool.call) == seen && looks < GD_SPINS; looks++) gd_pause();
        if (atomic_load(&gd_pool.call) == seen) {
            pthread_mutex_lock(&gd_pool.lock);
            atomic_fetch_add(&gd_pool.sleeping, 1);
            while (atomic_load(&gd_pool.call) == seen) pthread_cond_wait(&gd_pool.wake, &gd_pool.lock);
            atomic_fetch_sub(&gd_pool.sleeping, 1);
            pthread_mutex_unlock(&gd_pool.lock);
        }
        seen = atomic_load(&gd_pool.call);
        if (!(atomic_fetch_add(&gd_pool.joined, 1) & GD_CLOSED)) {
            gd_set_mode(gd_pool.mode);
            gd_take_parts();
        }
        atomic_fetch_sub(&gd_pool.joined, 1);
    }
    return NULL;
}

static void gd_after_fork(void)
{
    gd_pool.started = 0;
    atomic_store(&gd_pool.sleeping, 0);
    atomic_store(&gd_pool.joined, GD_CLOSED);
    atomic_flag_clear(&gd_pool.busy);
    pthread_mutex_init(&gd_pool.lock, NULL);
    pthread_cond_init(&gd_pool.wake, NULL);
}

static void gd_start_workers(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (!gd_pool.forks_watched) {
        gd_pool.forks_watched = 1;
        pthread_atfork(NULL, NULL, gd_after_fork);
    }
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 1 << 20); /* a part has up to 150 kB there, more than musl gives */
    while (gd_pool.started < gd_pool.threads - 1) {
        gd_pool.seen[gd_pool.started] = atomic_load(&gd_pool.call);
        if (pthread_create(&thread, &attributes, gd_work, (void *)(intptr_t)gd_pool.started)) break;
        gd_pool.started++;
    }
    pthread_attr_destroy(&attributes);
}

static int gd_get_threads(void) { return gd_pool.threads; }

/* Parts for a job that is worth several threads: more than threads, for one of them may be kept waiting. */
static int gd_parts(int worth_it) { return worth_it && gd_pool.threads > 1 ? 3 * gd_pool.threads : 1; }

/* More workers are started when they are first needed; too many of them stay asleep. */
static void gd_set_threads(int n) { gd_pool.threads = n < 1 ? 1 : (n > GD_MOST_THREADS ? GD_MOST_THREADS : n); }

static void gd_run(gd_task f, void *context, int parts)
{
    int part, looks = 0;
    if (parts < 2 || gd_pool.threads < 2 || atomic_flag_test_and_set(&gd_pool.busy)) {
        for (part = 0; part < parts; part++) f(context, part, parts);
        return;
    }
    gd_start_workers();
    gd_pool.f = f;
    gd_pool.context = context;
    gd_pool.parts = parts;
    gd_pool.mode = gd_mode();
    atomic_store(&gd_pool.next, 0);
    atomic_fetch_and(&gd_pool.joined, ~GD_CLOSED);
    atomic_fetch_add(&gd_pool.call, 1);
    if (atomic_load(&gd_pool.sleeping)) {
        pthread_mutex_lock(&gd_pool.lock);
        pthread_cond_broadcast(&gd_pool.wake);
        pthread_mutex_unlock(&gd_pool.lock);
    }
    gd_take_parts();
    /* workers that have not come by now are not waited for */
    atomic_fetch_or(&gd_pool.joined, GD_CLOSED);
    while (atomic_load(&gd_pool.joined) != GD_CLOSED) {
        gd_pause();
        if (++looks > GD_SPINS) sched_yield();
    }
    atomic_flag_clear(&gd_pool.busy);
}

#endif
#endif
