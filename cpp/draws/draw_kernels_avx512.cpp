#define CARBONFLOWS_ISA avx512
#define CARBONFLOWS_NAME "avx512"
#include "draw_kernels.inl"
