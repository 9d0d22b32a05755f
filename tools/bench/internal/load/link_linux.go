package load

import (
	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/rawio"
)

// link is what a connection carries. None of its methods waits: what cannot be
// done now fails with unix.EAGAIN, and then the socket's next event says when to
// try again. A receiver that gets nothing, without an error, has come to the end.
type link interface {
	// send takes some of p, which is not empty.
	send(p []byte) (int, error)

	// flush writes what send has taken and the socket has not.
	flush() error

	// receive reads some of what came back into p, which is not empty.
	receive(p []byte) (int, error)

	// discard receives up to n bytes and forgets them. Fewer are all that
	// there are.
	discard(n int) (int, error)
}

// plain is the link that is a TCP socket.
type plain int

func (fd plain) send(p []byte) (int, error) { return outcome(rawio.Write(int(fd), p)) }

func (fd plain) flush() error { return nil }

func (fd plain) receive(p []byte) (int, error) { return outcome(rawio.Read(int(fd), p)) }

func (fd plain) discard(n int) (int, error) { return outcome(rawio.Discard(int(fd), n)) }

// outcome makes an error of what is one.
func outcome(n int, errno unix.Errno) (int, error) {
	if errno != 0 {
		return n, errno
	}
	return n, nil
}
