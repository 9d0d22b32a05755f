#include "textflag.h"

// The Go runtime calls the C library on behalf of package syscall, which lends
// its way in to other packages.

TEXT ·sysvicall6(SB),NOSPLIT,$0-88
	JMP	syscall·sysvicall6(SB)

TEXT ·rawSysvicall6(SB),NOSPLIT,$0-88
	JMP	syscall·rawSysvicall6(SB)
