//go:build unix

package sysio

import "golang.org/x/sys/unix"

// Options of all sockets.
const (
	soType       = unix.SO_TYPE
	soError      = unix.SO_ERROR
	soAcceptConn = unix.SO_ACCEPTCONN
)

// CannotSendfile reports whether err says that Sendfile cannot serve this pair
// of descriptors at all, rather than that something has gone wrong.
func CannotSendfile(err error) bool {
	return err == unix.EINVAL || err == unix.ENOSYS || err == unix.ENOTSOCK ||
		err == unix.ENOTSUP || err == unix.EOPNOTSUPP
}

// maxBacklog is more than any system allows, and each takes that for its limit.
// Old kernels of Linux count in 16 bits.
const maxBacklog = 1<<16 - 1

func bind(fd int, sa Sockaddr) error    { return unix.Bind(fd, sa) }
func listen(fd, backlog int) error      { return unix.Listen(fd, backlog) }
func connect(fd int, sa Sockaddr) error { return unix.Connect(fd, sa) }
func sockname(fd int) (Sockaddr, error) { return unix.Getsockname(fd) }
func peername(fd int) (Sockaddr, error) { return unix.Getpeername(fd) }
func shutdownWrite(fd int) error        { return unix.Shutdown(fd, unix.SHUT_WR) }
func setNonblock(fd int) error          { return unix.SetNonblock(fd, true) }

// closeResult translates the result of closing a descriptor. FreeBSD reports that the
// peer has not taken everything, which no other system does; the descriptor is closed.
func closeResult(err error) error {
	if err == unix.ECONNRESET {
		return nil
	}
	return err
}

func getOption(fd, level, option int) (int, error) { return unix.GetsockoptInt(fd, level, option) }

func setOption(fd, level, option, value int) error {
	return unix.SetsockoptInt(fd, level, option, value)
}

func nonblocking(fd int) (bool, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return flags&unix.O_NONBLOCK != 0, err
}

func setCloseOnExec(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFD, flags|unix.FD_CLOEXEC)
	return err
}

func duplicate(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3) }

func putNull(fd int) error {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(null)
	return dup2(null, fd)
}

// HideRefusals keeps a socket that is not connected from failing because of
// peers that do not listen. Nothing has to be done for it here.
func HideRefusals(int) {}
