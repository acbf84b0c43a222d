/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011), many blocks side
 * by side, each word in a lane of 64 bits. */
#ifndef GDCORE_PHILOX_H
#define GDCORE_PHILOX_H

#define GD_PHILOX_BLOCKS 16

#ifdef __GNUC__
typedef uint64_t gd_words __attribute__((vector_size(GD_VECTOR_BYTES)));
#define GD_WORD_LANES ((int)(GD_VECTOR_BYTES / 8))
#else
typedef uint64_t gd_words;
#define GD_WORD_LANES 1
#endif

/* the product of the lower halves of the lanes */
#if defined(__AVX512F__)
#define GD_MULTIPLY_LOW(a, b) ((gd_words)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#elif defined(__AVX2__)
#define GD_MULTIPLY_LOW(a, b) ((gd_words)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#else
#define GD_MULTIPLY_LOW(a, b) (((a) & 0xFFFFFFFFu) * ((b) & 0xFFFFFFFFu))
#endif

/* The words of GD_PHILOX_BLOCKS blocks, one behind the other. */
static void gd_philox_blocks(uint64_t key, uint64_t stream, uint64_t block, uint32_t *out)
{
    const uint64_t low = 0xFFFFFFFFu;
    int b, l, r;
    for (b = 0; b < GD_PHILOX_BLOCKS; b += GD_WORD_LANES) {
        uint64_t numbers[sizeof(gd_words) / 8], pairs[2][sizeof(gd_words) / 8];
        gd_words c0, c1, c2, c3, zero, k0, k1, m0, m1, p0, p1;
        memset(&zero, 0, sizeof zero);
        for (l = 0; l < GD_WORD_LANES; l++) numbers[l] = block + (uint64_t)(b + l);
        memcpy(&c1, numbers, sizeof c1);
        c0 = c1 & low;
        c1 = c1 >> 32;
        c2 = zero + (stream & low);
        c3 = zero + (stream >> 32);
        m0 = zero + 0xD2511F53u;
        m1 = zero + 0xCD9E8D57u;
        k0 = zero + (key & low);
        k1 = zero + (key >> 32);
        for (r = 0; r < 10; r++) { /* of a lane only the lower half counts until the end */
            p0 = GD_MULTIPLY_LOW(c0, m0);
            p1 = GD_MULTIPLY_LOW(c2, m1);
            c0 = (p1 >> 32) ^ c1 ^ k0;
            c1 = p1;
            c2 = (p0 >> 32) ^ c3 ^ k1;
            c3 = p0;
            k0 = k0 + 0x9E3779B9u;
            k1 = k1 + 0xBB67AE85u;
        }
        c0 = (c0 & low) | (c1 << 32);
        c2 = (c2 & low) | (c3 << 32);
        memcpy(pairs[0], &c0, sizeof c0);
        memcpy(pairs[1], &c2, sizeof c2);
        for (l = 0; l < GD_WORD_LANES; l++) {
            uint32_t *words = out + 4 * (b + l);
            words[0] = (uint32_t)pairs[0][l];
            words[1] = (uint32_t)(pairs[0][l] >> 32);
            words[2] = (uint32_t)pairs[1][l];
            words[3] = (uint32_t)(pairs[1][l] >> 32);
        }
    }
}

#endif
