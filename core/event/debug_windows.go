package event

// blocks reports whether a socket is in blocking mode, which Windows does not
// tell.
func blocks(fd int) bool { return false }
