package load

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// verify sends a message of its own on each of the connections from first on,
// and reads them back.
func (p *pool) verify(first, size int) error {
	for i := first; i < len(p.links); i++ {
		if err := sendAll(p.links[i], pattern(i, size)); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	got := make([]byte, size)
	for i := first; i < len(p.links); i++ {
		if err := p.readFull(i, got); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		if !bytes.Equal(got, pattern(i, size)) {
			return fmt.Errorf("connection %d: another message came back", i)
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

// sendAll sends a message, which fits into an empty socket.
func sendAll(l link, message []byte) error {
	n, err := l.send(message)
	if err == nil {
		err = l.flush()
	}
	if err == nil && n < len(message) {
		err = unix.EAGAIN
	}
	if err != nil {
		return fmt.Errorf("wrote %d of %d bytes: %w", n, len(message), err)
	}
	return nil
}

// readFull fills got from a connection and waits as long as that takes.
func (p *pool) readFull(i int, got []byte) error {
	for len(got) > 0 {
		n, err := p.receive(i, got)
		if n <= 0 {
			return received(err)
		}
		got = got[n:]
	}
	return nil
}

// receive waits for what a connection receives next, or its end.
func (p *pool) receive(i int, buf []byte) (int, error) {
	for {
		n, err := p.links[i].receive(buf)
		if err != unix.EAGAIN {
			return n, err
		}
		if err := awaitReadable(p.fds[i]); err != nil {
			return 0, err
		}
	}
}

// received says what is wrong with a read that brought no bytes.
func received(err error) error {
	if err == nil {
		return errors.New("read: the server closed the connection")
	}
	return fmt.Errorf("read: %w", err)
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
