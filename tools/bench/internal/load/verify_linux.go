package load

import (
	"bytes"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/rawio"
)

// verify sends a message of its own on each of the connections from first on,
// and reads them back.
func (p *pool) verify(first, size int) error {
	for i, fd := range p.fds[first:] {
		if n, errno := rawio.Write(fd, pattern(first+i, size)); n != size {
			return fmt.Errorf("connection %d: wrote %d of %d bytes: %w", first+i, n, size, errno)
		}
	}
	got := make([]byte, size)
	for i, fd := range p.fds[first:] {
		if err := readFull(fd, got); err != nil {
			return fmt.Errorf("connection %d: %w", first+i, err)
		}
		if !bytes.Equal(got, pattern(first+i, size)) {
			return fmt.Errorf("connection %d: another message came back", first+i)
		}
	}
	return nil
}

// pattern returns a message that tells which connection it belongs to and, byte
// by byte, where in it they belong.
func pattern(conn, size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(conn + conn>>8 + i + i>>8)
	}
	return p
}

// readFull fills p and waits as long as that takes.
func readFull(fd int, p []byte) error {
	for len(p) > 0 {
		n, errno := rawio.Read(fd, p)
		switch {
		case n > 0:
			p = p[n:]
		case errno == unix.EAGAIN:
			if err := awaitReadable(fd); err != nil {
				return err
			}
		default:
			return received(n, errno)
		}
	}
	return nil
}

// received says what is wrong with the result of a read that brought no bytes.
func received(n int, errno unix.Errno) error {
	if n == 0 && errno == 0 {
		return fmt.Errorf("read: the server closed the connection")
	}
	return fmt.Errorf("read: %w", errno)
}

// awaitReadable returns when fd has something to read.
func awaitReadable(fd int) error {
	set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		n, err := unix.Poll(set, int(patience.Milliseconds()))
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("poll: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
	return errSilent
}
