package poller

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls to the C library that evport and devpoll need and x/sys either
// lacks or offers only with an allocation for each event. They are made the
// way x/sys makes its own: the linker resolves the name, sysvicall6 calls it
// and tells the scheduler that it may block, rawSysvicall6 does not tell.
//
// Pointers become uintptr in the argument list of these two, which are written
// in assembly, so that the compiler keeps what they point to alive and in
// place. The kernel keeps none of them after the call.

//go:cgo_import_dynamic libc_port_create port_create "libc.so"
//go:cgo_import_dynamic libc_port_associate port_associate "libc.so"
//go:cgo_import_dynamic libc_port_dissociate port_dissociate "libc.so"
//go:cgo_import_dynamic libc_port_getn port_getn "libc.so"
//go:cgo_import_dynamic libc_port_send port_send "libc.so"
//go:cgo_import_dynamic libc_ioctl ioctl "libc.so"

//go:linkname procPortCreate libc_port_create
//go:linkname procPortAssociate libc_port_associate
//go:linkname procPortDissociate libc_port_dissociate
//go:linkname procPortGetn libc_port_getn
//go:linkname procPortSend libc_port_send
//go:linkname procIoctl libc_ioctl

var (
	procPortCreate,
	procPortAssociate,
	procPortDissociate,
	procPortGetn,
	procPortSend,
	procIoctl uintptr
)

func sysvicall6(fn, nargs, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err unix.Errno)
func rawSysvicall6(fn, nargs, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err unix.Errno)

// libcResult translates what a function that returns an int came back with.
func libcResult(r uintptr, errno unix.Errno) (int, error) {
	if int32(r) == -1 {
		return -1, errno
	}
	return int(int32(r)), nil
}

// portEvent is port_event_t of <port.h>.
type portEvent struct {
	events int32
	source uint16
	_      uint16
	object uintptr
	_      uintptr // the user's, which we have no use for
}

func portCreate() (int, error) {
	r, _, errno := sysvicall6(uintptr(unsafe.Pointer(&procPortCreate)), 0, 0, 0, 0, 0, 0, 0)
	return libcResult(r, errno)
}

func portAssociate(port, fd int, bits int16) error {
	r, _, errno := rawSysvicall6(uintptr(unsafe.Pointer(&procPortAssociate)), 5,
		uintptr(port), unix.PORT_SOURCE_FD, uintptr(fd), uintptr(bits), 0, 0)
	_, err := libcResult(r, errno)
	return err
}

func portDissociate(port, fd int) error {
	r, _, errno := rawSysvicall6(uintptr(unsafe.Pointer(&procPortDissociate)), 3,
		uintptr(port), unix.PORT_SOURCE_FD, uintptr(fd), 0, 0, 0)
	_, err := libcResult(r, errno)
	return err
}

// portSend queues an event of the source PORT_SOURCE_USER.
func portSend(port int) error {
	r, _, errno := rawSysvicall6(uintptr(unsafe.Pointer(&procPortSend)), 3,
		uintptr(port), 0, 0, 0, 0, 0)
	_, err := libcResult(r, errno)
	return err
}

// portGetnNow takes the events that are there.
func portGetnNow(port int, buf []portEvent) (int, error) {
	var now unix.Timespec
	n := uint32(1)
	r, _, errno := rawSysvicall6(uintptr(unsafe.Pointer(&procPortGetn)), 5, uintptr(port),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)),
		uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&now)), 0)
	return portGetnResult(r, n, errno)
}

// portGetn blocks the thread until there is an event or timeout, unless nil,
// has passed.
func portGetn(port int, buf []portEvent, timeout *unix.Timespec) (int, error) {
	n := uint32(1)
	r, _, errno := sysvicall6(uintptr(unsafe.Pointer(&procPortGetn)), 5, uintptr(port),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)),
		uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(timeout)), 0)
	return portGetnResult(r, n, errno)
}

// portGetnResult returns the number of events, which may be more than zero
// even when the time was up.
func portGetnResult(r uintptr, n uint32, errno unix.Errno) (int, error) {
	_, err := libcResult(r, errno)
	if err == nil || err == unix.ETIME {
		return int(n), nil
	}
	return 0, err
}

// dvpoll is struct dvpoll of <sys/devpoll.h>.
type dvpoll struct {
	fds     *unix.PollFd
	nfds    uintptr
	timeout int32 // in milliseconds, or -1
	_       uintptr
}

// ioctlPollNow carries out DP_POLL without blocking.
func ioctlPollNow(fd int, arg *dvpoll) (int, error) {
	r, _, errno := rawSysvicall6(uintptr(unsafe.Pointer(&procIoctl)), 3,
		uintptr(fd), dpPoll, uintptr(unsafe.Pointer(arg)), 0, 0, 0)
	return libcResult(r, errno)
}

// ioctlPoll carries out DP_POLL and may block the thread.
func ioctlPoll(fd int, arg *dvpoll) (int, error) {
	r, _, errno := sysvicall6(uintptr(unsafe.Pointer(&procIoctl)), 3,
		uintptr(fd), dpPoll, uintptr(unsafe.Pointer(arg)), 0, 0, 0)
	return libcResult(r, errno)
}
