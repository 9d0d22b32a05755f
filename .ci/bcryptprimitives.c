/* The one function of bcryptprimitives.dll that Go's runtime needs and that
   Wine before version 9 lacks: fill a buffer with random bytes. */
#include <windows.h>
BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG length); /* advapi32 */
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE b, SIZE_T n) { return SystemFunction036(b, (ULONG)n); }
