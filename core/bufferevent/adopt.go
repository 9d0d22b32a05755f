package bufferevent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// FromConn makes a bufferevent that takes a connection over from package net:
// a TCP or Unix one. If it succeeds, c is closed, and the connection belongs to
// the bufferevent; otherwise it is as before. CloseOnFree is added to opts. The
// error wraps errors.ErrUnsupported if there is no descriptor below c, as for
// TLS, and on Windows.
func FromConn(base *event.Base, c net.Conn, opts Options) (*Bufferevent, error) {
	return takeOver(base, "from connection", c, c.Close, opts)
}

// FromFile is FromConn for a file: a pipe, a terminal, or whatever the loop's
// method can wait for. The file becomes non-blocking for everybody who has it:
// if f is one of the standard files, that can be other programs, too, also when
// this one has ended.
func FromFile(base *event.Base, f *os.File, opts Options) (*Bufferevent, error) {
	return takeOver(base, "from file", f, f.Close, opts)
}

func takeOver(base *event.Base, op string, from any, release func() error, opts Options) (*Bufferevent, error) {
	fd, err := duplicate(from)
	if err != nil {
		return nil, opError(op, err)
	}
	b, err := NewSocket(base, fd, opts|CloseOnFree)
	if err != nil {
		evutil.CloseSocket(fd)
		return nil, err
	}
	_ = release() // the descriptor that is left has nothing to lose
	return b, nil
}

// duplicate returns another, non-blocking descriptor for what from stands on.
func duplicate(from any) (int, error) {
	sc, ok := from.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("%T has no descriptor: %w", from, errors.ErrUnsupported)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd, failure := -1, error(nil)
	err = raw.Control(func(original uintptr) { fd, failure = sysio.Duplicate(int(original)) })
	if err = errors.Join(err, failure); err != nil {
		return -1, err
	}
	if err := evutil.SetNonblock(fd); err != nil {
		evutil.CloseSocket(fd)
		return -1, err
	}
	return fd, nil
}
