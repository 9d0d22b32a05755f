package pthreads

// goroutine returns the identity of the calling goroutine: the address of the
// runtime's record of it, which Go's assembler names g on every architecture.
// It is only ever compared, never followed.
//
// This is what locks store as their owner. A holder is pinned to its thread and
// nothing else runs there meanwhile, so while a lock is held, its goroutine and
// its thread are one and the same; but the thread's number takes a system call
// to learn, at every Lock and Unlock, where g is in a register.
//
// As with the number of a thread, the identity of a goroutine that has ended
// may come back in a later one.
func goroutine() uintptr
