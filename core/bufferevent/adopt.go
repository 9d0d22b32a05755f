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
// the bufferevent; CloseOnFree is added to opts. If it fails, c is closed if opts
// has CloseOnFree, and as before otherwise. The error wraps errors.ErrUnsupported
// if there is no descriptor below c, as for TLS, and on Windows.
func FromConn(base *event.Base, c net.Conn, opts Options) (*Bufferevent, error) {
	return takeOver(base, "from connection", c, c.Close, opts)
}

// FromFile is FromConn for a file: a pipe, a terminal, or whatever the loop's
// method can wait for. The file becomes non-blocking for all its users:
// if f is one of the standard files, that can be other programs, too, also when
// this one has ended.
//
// Files with the numbers of the standard streams are not closed, or the next socket
// would have the number: the null device takes the place of standard input and
// output, and standard error stays as it is, as a panic is written there.
func FromFile(base *event.Base, f *os.File, opts Options) (*Bufferevent, error) {
	return takeOver(base, "from file", f, func() error { return releaseFile(f) }, opts)
}

// releaseFile closes a file whose descriptor was duplicated.
func releaseFile(f *os.File) error {
	const stderr = 2
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	standard := false
	var failure error
	err = raw.Control(func(fd uintptr) {
		if standard = fd <= stderr; fd < stderr {
			failure = sysio.PutNull(int(fd))
		}
	})
	if standard || err != nil {
		return errors.Join(err, failure)
	}
	return f.Close()
}

func takeOver(base *event.Base, op string, from any, release func() error, opts Options) (*Bufferevent, error) {
	b, err := overDuplicate(base, op, from, opts)
	if err == nil || opts&CloseOnFree != 0 {
		_ = release() // the descriptor that is left has nothing to lose
	}
	return b, err
}

func overDuplicate(base *event.Base, op string, from any, opts Options) (*Bufferevent, error) {
	fd, err := duplicate(from)
	if err != nil {
		return nil, opError(op, err)
	}
	return NewSocket(base, fd, opts|CloseOnFree)
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
