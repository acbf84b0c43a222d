# The two types that everything is compiled for, and the C functions that exist for both: C names that differ by a suffix
# have one name here, and Cython picks by the type of the arguments (at the price of a warning, "redeclared", a name).

ctypedef fused real:
    float
    double

cdef extern from "<math.h>" nogil:
    double INFINITY
    double NAN
    double floor(double)
    float abs_ "fabsf"(float)
    double abs_ "fabs"(double)
    float root "sqrtf"(float)
    double root "sqrt"(double)

cdef extern from "kernels/kernels.h" nogil:
    float exp_ "gd_expf"(float)
    double exp_ "gd_exp"(double)
    float log_ "gd_logf"(float)
    double log_ "gd_log"(double)
    float log1p_ "gd_log1pf"(float)
    double log1p_ "gd_log1p"(double)
    float sigmoid_ "gd_sigmoidf"(float)
    double sigmoid_ "gd_sigmoid"(double)
    float tanh_ "gd_tanhf"(float)
    double tanh_ "gd_tanh"(double)
    float softplus_ "gd_softplusf"(float)
    double softplus_ "gd_softplus"(double)
    float exp_difference_ "gd_exp_differencef"(float, float)
    double exp_difference_ "gd_exp_difference"(double, double)
    float log_quotient_ "gd_log_quotientf"(float, float, float)
    double log_quotient_ "gd_log_quotient"(double, double, double)
    float squareplus_ "gd_squareplusf"(float, float)
    double squareplus_ "gd_squareplus"(double, double)
    float root_of_sum_ "gd_root_of_sumf"(float, float)
    double root_of_sum_ "gd_root_of_sum"(double, double)
    float to_power "gd_powf"(float, double, double)
    double to_power "gd_pow"(double, double, double)

    void map_exp "gd_map_exp_f32"(Py_ssize_t, const float*, float*)
    void map_exp "gd_map_exp_f64"(Py_ssize_t, const double*, double*)
    void map_log1p "gd_map_log1p_f32"(Py_ssize_t, const float*, float*)
    void map_log1p "gd_map_log1p_f64"(Py_ssize_t, const double*, double*)
    void map_sigmoid "gd_map_sigmoid_f32"(Py_ssize_t, const float*, float*)
    void map_sigmoid "gd_map_sigmoid_f64"(Py_ssize_t, const double*, double*)
    void map_tanh "gd_map_tanh_f32"(Py_ssize_t, const float*, float*)
    void map_tanh "gd_map_tanh_f64"(Py_ssize_t, const double*, double*)
    void map_expm1 "gd_map_expm1_f32"(Py_ssize_t, const float*, float*)
    void map_expm1 "gd_map_expm1_f64"(Py_ssize_t, const double*, double*)
    void map_silu "gd_map_silu_f32"(Py_ssize_t, const float*, float*)
    void map_silu "gd_map_silu_f64"(Py_ssize_t, const double*, double*)
    void map_softplus "gd_map_softplus_f32"(Py_ssize_t, const float*, float*)
    void map_softplus "gd_map_softplus_f64"(Py_ssize_t, const double*, double*)
    void map_log_sigmoid "gd_map_log_sigmoid_f32"(Py_ssize_t, const float*, float*)
    void map_log_sigmoid "gd_map_log_sigmoid_f64"(Py_ssize_t, const double*, double*)
    void map_gelu "gd_map_gelu_f32"(Py_ssize_t, const float*, float*)
    void map_gelu "gd_map_gelu_f64"(Py_ssize_t, const double*, double*)
    void map_gelu_tanh "gd_map_gelu_tanh_f32"(Py_ssize_t, const float*, float*)
    void map_gelu_tanh "gd_map_gelu_tanh_f64"(Py_ssize_t, const double*, double*)
    void map_mish "gd_map_mish_f32"(Py_ssize_t, const float*, float*)
    void map_mish "gd_map_mish_f64"(Py_ssize_t, const double*, double*)
    void map_tanh_shrink "gd_map_tanh_shrink_f32"(Py_ssize_t, const float*, float*)
    void map_tanh_shrink "gd_map_tanh_shrink_f64"(Py_ssize_t, const double*, double*)
    void map_relu "gd_map_relu_f32"(Py_ssize_t, const float*, float*)
    void map_relu "gd_map_relu_f64"(Py_ssize_t, const double*, double*)
    void times_silu_slope "gd_times_silu_slope_f32"(Py_ssize_t, const float*, float*)
    void times_silu_slope "gd_times_silu_slope_f64"(Py_ssize_t, const double*, double*)
    void times_softplus_slope "gd_times_softplus_slope_f32"(Py_ssize_t, const float*, float*)
    void times_softplus_slope "gd_times_softplus_slope_f64"(Py_ssize_t, const double*, double*)
    void times_log_sigmoid_slope "gd_times_log_sigmoid_slope_f32"(Py_ssize_t, const float*, float*)
    void times_log_sigmoid_slope "gd_times_log_sigmoid_slope_f64"(Py_ssize_t, const double*, double*)
    void times_gelu_slope "gd_times_gelu_slope_f32"(Py_ssize_t, const float*, float*)
    void times_gelu_slope "gd_times_gelu_slope_f64"(Py_ssize_t, const double*, double*)
    void times_gelu_tanh_slope "gd_times_gelu_tanh_slope_f32"(Py_ssize_t, const float*, float*)
    void times_gelu_tanh_slope "gd_times_gelu_tanh_slope_f64"(Py_ssize_t, const double*, double*)
    void times_mish_slope "gd_times_mish_slope_f32"(Py_ssize_t, const float*, float*)
    void times_mish_slope "gd_times_mish_slope_f64"(Py_ssize_t, const double*, double*)
    void times_tanh_shrink_slope "gd_times_tanh_shrink_slope_f32"(Py_ssize_t, const float*, float*)
    void times_tanh_shrink_slope "gd_times_tanh_shrink_slope_f64"(Py_ssize_t, const double*, double*)

    # matrices of a batch are feature-major: (features, rows), rows padded
    void affine "gd_affine_f32"(Py_ssize_t rows, Py_ssize_t terms, Py_ssize_t units, const float* w, Py_ssize_t, Py_ssize_t,
                                const float* bias, const float* x, float* out)
    void affine "gd_affine_f64"(Py_ssize_t rows, Py_ssize_t terms, Py_ssize_t units, const double* w, Py_ssize_t,
                                Py_ssize_t, const double* bias, const double* x, double* out)
    void weight_gradient "gd_weight_gradient_f32"(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, const float*, int,
                                                  float*, float*)
    void weight_gradient "gd_weight_gradient_f64"(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, const double*, int,
                                                  double*, double*)
    void gather_rows "gd_gather_f32"(const float*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                     Py_ssize_t, float*)
    void gather_rows "gd_gather_f64"(const double*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                     Py_ssize_t, double*)
    void ungather_rows "gd_ungather_f32"(const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*)
    void ungather_rows "gd_ungather_f64"(const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
    void direct_forward_rows "gd_direct_forward_f32"(const float*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t,
                                                     Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, const float*,
                                                     float*, Py_ssize_t, float*, float*)
    void direct_forward_rows "gd_direct_forward_f64"(const double*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t,
                                                     Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, const double*,
                                                     double*, Py_ssize_t, double*, double*)
    void direct_backward_rows "gd_direct_backward_f32"(const float*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t,
                                                       Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, int, float*)
    void direct_backward_rows "gd_direct_backward_f64"(const double*, Py_ssize_t, const int64_t*, Py_ssize_t, Py_ssize_t,
                                                       Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, int, double*)
    void row_sums "gd_row_sums_f32"(Py_ssize_t, Py_ssize_t, const float*, float*)
    void row_sums "gd_row_sums_f64"(Py_ssize_t, Py_ssize_t, const double*, double*)
    double weighted_sum "gd_weighted_sum_f32"(Py_ssize_t, const float*, const float*)
    double weighted_sum "gd_weighted_sum_f64"(Py_ssize_t, const double*, const double*)

    Py_ssize_t GD_LANES
    Py_ssize_t GD_ALIGNMENT
    Py_ssize_t GD_CONFLICTS
    int GD_VECTOR_BYTES
    void* gd_alloc(size_t)
    void gd_free(void*)


cdef inline real bounded(real x, real low, real high) noexcept nogil:
    return low if x < low else (high if x > high else x)


cdef inline real sign(real x) noexcept nogil:
    return 1 if x > 0 else (-1 if x < 0 else x)


cdef inline real power(real x, double exponent) noexcept nogil:
    return <real>c_pow(<double>x, exponent)


cdef inline Py_ssize_t padded(Py_ssize_t n) noexcept nogil:
    """Rows from one feature to the next: whole vectors, and not a multiple of GD_CONFLICTS of them, where all features
    would lie in the same few sets of a first-level cache."""
    cdef Py_ssize_t m = (n + GD_LANES - 1) // GD_LANES * GD_LANES
    return m + GD_LANES if m % GD_CONFLICTS == 0 and m > 0 else m


cdef bint finite(Py_ssize_t n, const real* x) noexcept nogil:
    # x - x is 0 for finite x and nan otherwise; in blocks, so that the loop has no exit and vectorises
    cdef Py_ssize_t i, first
    cdef int bad = 0
    for first in range(0, n, 4096):
        for i in range(first, min(first + 4096, n)):
            bad |= x[i] - x[i] != 0
        if bad:
            break
    return not bad


cdef double sum_of_squares(Py_ssize_t n, const real* x) noexcept nogil:
    """In double, and in eight sums side by side, which vectorise."""
    cdef double part[8]
    cdef double total = 0
    cdef Py_ssize_t i, k, whole = n - n % 8
    for k in range(8):
        part[k] = 0
    for i in range(0, whole, 8):
        for k in range(8):
            part[k] += <double>x[i + k] * x[i + k]
    for i in range(whole, n):
        total += <double>x[i] * x[i]
    for k in range(8):
        total += part[k]
    return total
