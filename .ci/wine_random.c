/* bcryptprimitives.dll, which Wine 8 lacks: the random numbers that Rust's standard library asks Windows for. For tests alone. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length) { return RtlGenRandom(bytes, (ULONG)length); }
