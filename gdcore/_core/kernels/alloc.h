/* Memory that is aligned for whole vectors. */
#ifndef GDCORE_ALLOC_H
#define GDCORE_ALLOC_H

#include "config.h"

static void *gd_alloc(size_t bytes)
{
    void *p = NULL;
#ifdef _WIN32
    p = _aligned_malloc(bytes ? bytes : 1, GD_ALIGNMENT);
#else
    if (posix_memalign(&p, GD_ALIGNMENT, bytes ? bytes : 1)) return NULL;
#endif
    return p;
}

static void gd_free(void *p)
{
#ifdef _WIN32
    _aligned_free(p);
#else
    free(p);
#endif
}

#endif
