package kqueue

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poll asks the kernel for the condition of w.
func (w *watched) poll() int16 {
	fds := [1]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN | unix.POLLOUT | unix.POLLRDHUP | unix.POLLPRI}}
	for {
		_, err := unix.Poll(fds[:], 0)
		if err != unix.EINTR {
			return fds[0].Revents
		}
	}
}

// evaluate is the filter of k: it reports whether k is to be reported, and how.
func (k *knote) evaluate(now time.Time) (e Event, active bool) {
	e = Event{Ident: k.ident, Filter: k.filter, Flags: k.flags, Udata: k.udata}
	switch k.filter {
	case Read:
		active = k.readable(&e)
	case Write:
		active = k.writable(&e)
	case Timer:
		k.expire(now)
		e.Data, active = k.expired, k.expired > 0
	case User:
		e.Fflags, active = k.fflags, k.triggered
		e.Data = k.data
	}
	return e, active
}

func (k *knote) readable(e *Event) bool {
	w := k.on
	if w.kind == regular {
		return k.fileReadable(e)
	}
	bits := w.poll()
	ended := bits&unix.POLLRDHUP != 0
	switch w.kind {
	case stream:
		if w.unconnected(bits) {
			return false
		}
		if listening(w.fd) {
			if bits&unix.POLLIN == 0 {
				return false
			}
			e.Data = backlog(w.fd)
			return true
		}
	case pipe:
		ended = bits&unix.POLLHUP != 0
	case other:
		e.Data = inQueue(w.fd)
		return bits&(unix.POLLIN|unix.POLLHUP|unix.POLLERR) != 0
	}
	e.Data = inQueue(w.fd)
	if ended {
		e.Flags |= EOF
		e.Fflags = w.failure(bits)
	}
	if w.kind == datagram {
		return ended || bits&(unix.POLLIN|unix.POLLERR) != 0
	}
	return ended || bits&unix.POLLERR != 0 || e.Data >= k.lowWater(unix.SO_RCVLOWAT)
}

// lowWater returns how many bytes there must be for k to be reported.
func (k *knote) lowWater(option int) int64 {
	if k.on.kind == pipe {
		return 1
	}
	if k.fflags&LowWater != 0 {
		return k.data
	}
	n, err := unix.GetsockoptInt(k.on.fd, unix.SOL_SOCKET, option)
	if err != nil {
		return 1
	}
	return max(int64(n), 1)
}

// fileReadable is the filter of regular files.
func (k *knote) fileReadable(e *Event) bool {
	var stat unix.Stat_t
	at, err := unix.Seek(k.on.fd, 0, 1)
	if err != nil || unix.Fstat(k.on.fd, &stat) != nil {
		return true // the read will tell
	}
	e.Data = stat.Size - at
	noted := k.fflags&k.queue.system.FileNote != 0
	if noted && e.Data == 0 && k.queue.system.ReportsEnd {
		e.Fflags = k.queue.system.FileNote
	}
	return noted || e.Data != 0
}

func (k *knote) writable(e *Event) bool {
	w := k.on
	if w.kind == regular {
		return true
	}
	bits := w.poll()
	switch w.kind {
	case stream:
		if w.unconnected(bits) || listening(w.fd) {
			return false
		}
		if bits&unix.POLLHUP != 0 {
			e.Flags |= EOF
			e.Fflags = w.failure(bits)
		}
	case pipe:
		if bits&unix.POLLERR != 0 {
			e.Flags |= EOF
		}
	}
	e.Data = room(w)
	if w.kind == stream && k.fflags&LowWater != 0 && e.Flags&EOF == 0 && bits&unix.POLLERR == 0 {
		return bits&unix.POLLOUT != 0 && e.Data >= k.data
	}
	return bits&(unix.POLLOUT|unix.POLLHUP|unix.POLLERR) != 0
}

// unconnected reports whether a stream is neither connected nor was, which is neither
// readable nor writable. Linux has it hung up, with nothing that has ended.
func (w *watched) unconnected(bits int16) bool {
	if bits&unix.POLLHUP != 0 && bits&(unix.POLLRDHUP|unix.POLLERR) == 0 {
		return true
	}
	w.wasConnected = w.wasConnected || connected(w.fd)
	return false
}

// failure guesses the error of a socket that has one.
func (w *watched) failure(bits int16) uint32 {
	switch {
	case bits&unix.POLLERR == 0 || w.kind == pipe:
		return 0
	case w.wasConnected:
		return uint32(unix.ECONNRESET)
	default:
		return uint32(unix.ECONNREFUSED)
	}
}

// connected asks for the address of the peer as x/sys does, without memory for it.
func connected(fd int) bool {
	var sa unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	_, _, errno := unix.RawSyscall(unix.SYS_GETPEERNAME, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
	return errno == 0
}

func listening(fd int) bool {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return err == nil && n != 0
}

// backlog returns how many connections wait at a listener that has some: one if it is
// not of TCP, or under an emulator.
func backlog(fd int) int64 {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 1
	}
	return max(int64(info.Unacked), 1)
}

// inQueue returns how many bytes can be read; of a datagram socket, those of the first.
func inQueue(fd int) int64 {
	n, err := unix.IoctlGetUint32(fd, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return int64(n)
}

// room returns how many bytes can be written.
func room(w *watched) int64 {
	if w.kind == pipe {
		n, err := unix.FcntlInt(uintptr(w.fd), unix.F_GETPIPE_SZ, 0)
		if err != nil {
			return 0
		}
		return max(int64(n)-inQueue(w.fd), 0)
	}
	size, err := unix.GetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		return 0
	}
	queued, err := unix.IoctlGetUint32(w.fd, unix.TIOCOUTQ)
	if err != nil {
		return 0
	}
	return max(int64(size)-int64(queued), 0)
}

// expire counts the expirations of a timer until now.
func (k *knote) expire(now time.Time) {
	for !k.next.IsZero() && !k.next.After(now) {
		k.expired++
		if k.flags&OneShot != 0 {
			k.next = time.Time{}
			return
		}
		missed := now.Sub(k.next) / k.period
		k.expired += int64(missed)
		k.next = k.next.Add((missed + 1) * k.period)
	}
}
