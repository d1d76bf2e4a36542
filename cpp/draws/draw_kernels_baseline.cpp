#define CARBONFLOWS_ISA baseline
#define CARBONFLOWS_NAME "baseline"
#include "draw_kernels.inl"
