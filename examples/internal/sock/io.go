package sock

// Read reads what there is, up to len(p) bytes. Zero bytes without an error
// are the end of the stream. See evutil.IsRetriable for errors that only mean
// that there is nothing yet.
func Read(fd int, p []byte) (int, error) { return read(fd, p) }

// Write writes as much of p as the system takes now, which may be less than
// all, and returns how much that was. See evutil.IsRetriable for errors that
// only mean that it takes nothing yet.
func Write(fd int, p []byte) (int, error) { return write(fd, p) }
