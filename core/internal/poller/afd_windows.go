package poller

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// This file is the system-call layer of wepoll. The Ancillary Function Driver
// (AFD) implements sockets on Windows, and one of its requests, IOCTL_AFD_POLL,
// completes as soon as a socket is in one of a set of states. select is built
// on it too. Microsoft does not document the request, but its form has not
// changed since Windows NT, and libuv, mio and wepoll rely on it.

// The states of a socket that a poll can ask for.
const (
	afdReceive     = 0x001 // there is data
	afdSend        = 0x004 // there is room for data
	afdDisconnect  = 0x008 // the peer has shut down its sending half
	afdAbort       = 0x010 // the connection was reset
	afdLocalClose  = 0x020 // the last handle of the socket was closed
	afdAccept      = 0x080 // a connection waits to be accepted
	afdConnectFail = 0x100
)

const (
	ioctlAFDPoll  = 0x00012024
	afdNoTimeout  = 1<<63 - 1
	afdDevicePath = `\Device\Afd\libevent` // any name below the driver's opens it
)

var (
	ntdll    = windows.NewLazySystemDLL("ntdll.dll")
	kernel32 = windows.NewLazySystemDLL("kernel32.dll")

	procNtDeviceIoControlFile       = ntdll.NewProc("NtDeviceIoControlFile")
	procNtCancelIoFileEx            = ntdll.NewProc("NtCancelIoFileEx")
	procGetQueuedCompletionStatusEx = kernel32.NewProc("GetQueuedCompletionStatusEx")
)

// afdPollInfo is what IOCTL_AFD_POLL reads and then overwrites with its
// result: AFD_POLL_INFO with room for one socket.
type afdPollInfo struct {
	timeout   int64
	sockets   uint32 // in: entries that follow; out: those of them with events
	exclusive uint32
	socket    windows.Handle
	events    uint32
	status    windows.NTStatus
}

// afdPoll is the memory of one poll.
//
// From submit on the kernel may write to it, until the completion packet has
// been taken from the port. For so long its owner keeps it reachable and
// leaves it alone; that it does not move is Go's promise for the heap.
type afdPoll struct {
	iosb windows.IO_STATUS_BLOCK
	info afdPollInfo
	_    uint32 // C rounds afdPollInfo up to a multiple of eight bytes
}

// afdPollInfoSize is the size of afdPollInfo in C. On 32-bit systems that is
// more than in Go and reaches into afdPoll's padding.
const afdPollInfoSize = (unsafe.Sizeof(afdPollInfo{}) + 7) &^ 7

// submit asks for a packet with the given id, which must not be zero, as soon
// as socket is in one of the states in events. If it fails there will be none;
// the error is WSAENOTSOCK if the socket was closed.
func (p *afdPoll) submit(device, socket windows.Handle, events uint32, id uintptr) error {
	p.iosb = windows.IO_STATUS_BLOCK{Status: windows.STATUS_PENDING}
	p.info = afdPollInfo{timeout: afdNoTimeout, sockets: 1, socket: socket, events: events}
	r, _, _ := syscall.SyscallN(procNtDeviceIoControlFile.Addr(), uintptr(device), 0, 0, id,
		uintptr(unsafe.Pointer(&p.iosb)), ioctlAFDPoll,
		uintptr(unsafe.Pointer(&p.info)), afdPollInfoSize,
		uintptr(unsafe.Pointer(&p.info)), afdPollInfoSize)
	switch status := windows.NTStatus(r); status {
	case windows.STATUS_SUCCESS, windows.STATUS_PENDING:
		return nil
	case windows.STATUS_INVALID_HANDLE, windows.STATUS_OBJECT_TYPE_MISMATCH:
		return windows.WSAENOTSOCK
	default:
		return status
	}
}

// cancel makes a submitted poll complete soon, if it has not yet.
func (p *afdPoll) cancel(device windows.Handle) error {
	return cancelIO(device, &p.iosb)
}

// cancelIO cancels the operation on a handle that was started with the given
// status block, or all operations if that is nil.
func cancelIO(handle windows.Handle, op *windows.IO_STATUS_BLOCK) error {
	var iosb windows.IO_STATUS_BLOCK
	r, _, _ := syscall.SyscallN(procNtCancelIoFileEx.Addr(), uintptr(handle),
		uintptr(unsafe.Pointer(op)), uintptr(unsafe.Pointer(&iosb)))
	switch status := windows.NTStatus(r); status {
	case windows.STATUS_SUCCESS, windows.STATUS_NOT_FOUND: // the latter: it is complete
		return nil
	default:
		return status
	}
}

// result returns the states found by a poll that has completed; none if it
// was cancelled.
func (p *afdPoll) result() (events uint32, err error) {
	const failed = 0xC0000000 // the severity bits of a status
	switch {
	case p.iosb.Status == windows.STATUS_CANCELLED:
		return 0, nil
	case p.iosb.Status&failed == failed:
		return 0, p.iosb.Status
	case p.info.sockets == 0:
		return 0, nil
	default:
		return p.info.events, nil
	}
}

// openAFD opens the driver for polls whose packets go to port with key zero.
func openAFD(port windows.Handle) (windows.Handle, error) {
	path, err := windows.NewNTUnicodeString(afdDevicePath)
	if err != nil {
		return 0, err
	}
	attributes := windows.OBJECT_ATTRIBUTES{ObjectName: path}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	var device windows.Handle
	var iosb windows.IO_STATUS_BLOCK
	err = windows.NtCreateFile(&device, windows.SYNCHRONIZE, &attributes, &iosb, nil, 0,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, windows.FILE_OPEN, 0, 0, 0)
	if err != nil {
		return 0, fmt.Errorf("NtCreateFile %s: %w", afdDevicePath, err)
	}
	if _, err := windows.CreateIoCompletionPort(device, port, 0, 0); err != nil {
		windows.CloseHandle(device)
		return 0, os.NewSyscallError("CreateIoCompletionPort", err)
	}
	return device, nil
}

// Requests for the handle that a layered provider has put its own in front of.
const (
	sioBSPHandle       = windows.IOC_OUT | windows.IOC_WS2 | 27
	sioBSPHandleSelect = windows.IOC_OUT | windows.IOC_WS2 | 28
	sioBSPHandlePoll   = windows.IOC_OUT | windows.IOC_WS2 | 29
	sioBaseHandle      = windows.IOC_OUT | windows.IOC_WS2 | 34
)

// baseSocket returns AFD's own handle of a socket, which differs from the
// application's where a layered service provider sits between the two.
//
// A provider must not answer SIO_BASE_HANDLE itself, but some do, with an
// error. They can still be asked for the handle of the layer below.
func baseSocket(socket windows.Handle) (windows.Handle, error) {
	for {
		base, err := handleBelow(socket, sioBaseHandle)
		if err == nil || errors.Is(err, windows.WSAENOTSOCK) {
			return base, err
		}
		below := layerBelow(socket)
		if below == socket {
			return 0, err
		}
		socket = below
	}
}

// layerBelow returns the handle one layer down, or socket itself if there is
// none.
func layerBelow(socket windows.Handle) windows.Handle {
	for _, request := range [...]uint32{sioBSPHandlePoll, sioBSPHandleSelect, sioBSPHandle} {
		below, err := handleBelow(socket, request)
		if err == nil && below != socket {
			return below
		}
	}
	return socket
}

func handleBelow(socket windows.Handle, request uint32) (windows.Handle, error) {
	var below windows.Handle
	var n uint32
	err := windows.WSAIoctl(socket, request, nil, 0,
		(*byte)(unsafe.Pointer(&below)), uint32(unsafe.Sizeof(below)), &n, nil, 0)
	return below, err
}

// A packet is an entry of a completion port's queue: OVERLAPPED_ENTRY.
type packet struct {
	key         uintptr
	id          uintptr // what submit was given, in the place of a pointer
	internal    uintptr
	transferred uint32
}

// takePackets waits for packets and moves as many as fit to buf. It returns
// zero after millis milliseconds; -1 waits for ever.
func takePackets(port windows.Handle, buf []packet, millis int) (int, error) {
	var n uint32
	r, _, errno := syscall.SyscallN(procGetQueuedCompletionStatusEx.Addr(), uintptr(port),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(unsafe.Pointer(&n)),
		uintptr(uint32(millis)), 0)
	switch {
	case r != 0:
		return int(n), nil
	case errno == windows.WAIT_TIMEOUT:
		return 0, nil
	default:
		return 0, os.NewSyscallError("GetQueuedCompletionStatusEx", errno)
	}
}
