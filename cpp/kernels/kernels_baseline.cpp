#define CARBONFLOWS_ISA baseline
#define CARBONFLOWS_NAME "baseline"
#include "kernels.inl"
