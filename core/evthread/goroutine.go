package evthread

// Goroutine returns the identity of the calling goroutine: the address of the
// runtime's record of it, which Go's assembler names g on every architecture. It
// costs no more than reading a register, where [ID] may be a system call.
//
// It is only ever compared, never followed: locks store it as their owner, and
// event bases to know whether their loop calls. The identity of a goroutine that
// has ended may come back in a later one, as that of a thread may.
func Goroutine() uintptr
