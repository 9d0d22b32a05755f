package sysio

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// QueueErrors makes a datagram socket keep the errors that the network reports, with
// the address of the peer that each is about, for RecvError.
func QueueErrors(fd int) error {
	family, err := Option(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return err
	}
	err = SetOption(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	if family == unix.AF_INET6 {
		return errors.Join(err, SetOption(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1))
	}
	return err
}

// RecvError takes an error from the queue of a socket. The error of RecvError is
// ErrAgain if there is none.
func RecvError(fd int) (QueuedError, error) {
	if s := system(); s != nil {
		return retry(OpRecvmsg, fd, 1, func(System, int) (QueuedError, error) { return s.RecvError(fd) })
	}
	var (
		name    rawInet6
		payload [1]byte // of the message that has failed; the rest is cut off
		control [32]uint64
	)
	iov := unix.Iovec{Base: &payload[0]}
	iov.SetLen(len(payload))
	h := unix.Msghdr{
		Name:    (*byte)(unsafe.Pointer(&name)),
		Namelen: sizeofInet6,
		Iov:     &iov,
		Control: (*byte)(unsafe.Pointer(&control)),
	}
	h.SetIovlen(1)
	h.SetControllen(int(unsafe.Sizeof(control)))
	_, err := retry(OpRecvmsg, fd, len(payload), func(System, int) (int, error) {
		n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), recvFlags|unix.MSG_ERRQUEUE)
		return result(n, errno)
	})
	if err != nil {
		return QueuedError{}, err
	}
	var z zones
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&control)), unsafe.Sizeof(control))
	e := z.queuedError(bytes[:min(int(h.Controllen), len(bytes))])
	e.Peer = z.getName(&name, int(h.Namelen))
	return e, nil
}

// queuedError finds the error in the control messages of a datagram.
func (z *zones) queuedError(rest []byte) QueuedError {
	for len(rest) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(unsafe.SliceData(rest)))
		size := int(h.Len)
		if size < unix.CmsgLen(0) || size > len(rest) {
			break
		}
		data := rest[unix.CmsgLen(0):size]
		isError := h.Level == unix.IPPROTO_IP && h.Type == unix.IP_RECVERR || h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_RECVERR
		if isError && len(data) >= sizeofExtendedErr {
			return z.extendedErr(data)
		}
		rest = rest[min(unix.CmsgSpace(len(data)), len(rest)):]
	}
	return QueuedError{Err: unix.EIO} // which the kernel never leaves out
}

// sizeofExtendedErr is that of struct sock_extended_err, after which the address of
// the host that has reported the error follows.
const sizeofExtendedErr = 16

func (z *zones) extendedErr(data []byte) QueuedError {
	errno := unix.Errno(binary.NativeEndian.Uint32(data))
	e := QueuedError{Err: errno}
	if errno == unix.EMSGSIZE {
		e.MTU = int(binary.NativeEndian.Uint32(data[8:]))
	}
	var offender rawInet6
	n := copy(unsafe.Slice((*byte)(unsafe.Pointer(&offender)), sizeofInet6), data[sizeofExtendedErr:])
	e.From = z.getName(&offender, n).Addr()
	return e
}
