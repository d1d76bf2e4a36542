#define CARBONFLOWS_ISA avx2
#define CARBONFLOWS_NAME "avx2"
#include "draw_kernels.inl"
