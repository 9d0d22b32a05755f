package poller

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

var selectMethod = Method{
	Name: "win32",
	Env:  "WIN32",
	Open: openSelect,
}

// selector drives Winsock's select, which libevent calls win32. Its sets are lists of sockets, so that it has
// no limit to their number, but its cost grows with it.
type selector struct {
	waker *waker

	// What select is given and changes; for Wait alone.
	read, write, except fdSet

	// mu guards what follows, because Update may run during Wait.
	mu      sync.Mutex
	sockets []selectSocket
	index   map[int]int // by descriptor: position in sockets
}

// selectSocket is a watched socket.
type selectSocket struct {
	fd        int
	want      Interest
	ready     Interest // zero except while Wait gathers what the sets tell
	connected bool     // known to be, so that connecting cannot fail any more
}

func openSelect(Options) (Poller, error) {
	k, err := newWaker()
	if err != nil {
		return nil, err
	}
	return &selector{waker: k, index: make(map[int]int)}, nil
}

func (p *selector) Method() *Method { return &selectMethod }
func (p *selector) Flush() error    { return nil }
func (p *selector) Wake() error     { return p.waker.wake() }
func (p *selector) Close() error    { return p.waker.close() }

func (p *selector) Update(fd int, old, new Interest) error {
	if new != 0 && old == 0 {
		// One bad descriptor makes select fail for all.
		if err := checkSocket(fd); err != nil {
			return opError("select add", fd, err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.index[fd]
	switch {
	case new == 0 && ok:
		p.remove(i)
	case new == 0: // closed before: nothing is watched
	case ok && old != 0:
		p.sockets[i].want = new
	case ok: // another one was closed under this number
		p.sockets[i] = selectSocket{fd: fd, want: new}
	default:
		p.index[fd] = len(p.sockets)
		p.sockets = append(p.sockets, selectSocket{fd: fd, want: new})
	}
	return nil
}

// remove fills the place of a socket with the last one.
func (p *selector) remove(i int) {
	delete(p.index, p.sockets[i].fd)
	last := len(p.sockets) - 1
	if i != last {
		p.sockets[i] = p.sockets[last]
		p.index[p.sockets[i].fd] = i
	}
	p.sockets = p.sockets[:last]
}

func (p *selector) Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error) {
	yielded = deadline != Now
	if yielded {
		deadline.yield()
	}
	p.fillSets()
	err = winsockSelect(p.read, p.write, p.except, clampMillis(deadline.left()))
	if errors.Is(err, windows.WSAENOTSOCK) {
		p.removeClosed()
		return events, yielded, nil
	}
	if err != nil {
		return events, yielded, err
	}
	return p.collect(events), yielded, nil
}

// fillSets prepares the sets for select. Only the set for exceptional
// conditions include a connection that could not be made. Urgent data is one
// too; it is of no interest, and a peer that sends it must not keep the loop
// busy, so connected sockets are left out.
func (p *selector) fillSets() {
	p.read.clear()
	p.write.clear()
	p.except.clear()
	p.read.add(p.waker.fd()) // at least one set must not be empty
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.sockets {
		s := &p.sockets[i]
		if s.want&Read != 0 {
			p.read.add(s.fd)
		}
		if s.want&Write != 0 {
			p.write.add(s.fd)
		}
		if !s.connected {
			p.except.add(s.fd)
		}
	}
}

// removeClosed forgets the sockets that were closed while they were watched.
func (p *selector) removeClosed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.sockets) - 1; i >= 0; i-- {
		if checkSocket(p.sockets[i].fd) != nil {
			p.remove(i)
		}
	}
}

// collect turns what select has left in the sets into one event a socket.
func (p *selector) collect(events []Event) []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fd := range p.read.members() {
		if int(fd) == p.waker.fd() {
			p.waker.drain()
		} else if s := p.socket(fd); s != nil {
			s.ready |= Read & s.want
		}
	}
	for _, fd := range p.write.members() {
		if s := p.socket(fd); s != nil {
			s.connected = true
			s.ready |= Write & s.want
		}
	}
	for _, fd := range p.except.members() {
		if s := p.socket(fd); s != nil && !s.connected {
			s.connected = isConnected(fd)
			if !s.connected {
				s.ready |= (Read | Write) & s.want
			}
		}
	}
	return p.report(events)
}

// socket returns nil if fd was removed since the sets were filled.
func (p *selector) socket(fd uintptr) *selectSocket {
	if i, ok := p.index[int(fd)]; ok {
		return &p.sockets[i]
	}
	return nil
}

func (p *selector) report(events []Event) []Event {
	for i := range p.sockets {
		s := &p.sockets[i]
		if s.ready != 0 {
			events = append(events, Event{FD: s.fd, Ready: s.ready})
			s.ready = 0
		}
	}
	return events
}

func isConnected(fd uintptr) bool {
	_, err := windows.Getpeername(windows.Handle(fd))
	return err == nil
}

// CheckOpen returns an error if fd is not an open socket.
func CheckOpen(fd int) error {
	if _, err := sysio.Option(fd, windows.SOL_SOCKET, soType); err != nil {
		return opError("check", fd, err)
	}
	return nil
}

const soType = 0x1008 // SO_TYPE, which x/sys does not have

// checkSocket returns an error if fd is not an open socket.
func checkSocket(fd int) error {
	_, err := windows.GetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, soType)
	return err
}

// fdSet is Winsock's fd_set without its fixed size: the number of sockets,
// then the sockets. In C the number has 32 bits, with padding up to the size
// of a socket; as Windows is little-endian everywhere, a word is the same.
type fdSet []uintptr

func (s *fdSet) clear() { *s = append((*s)[:0], 0) }

func (s *fdSet) add(fd int) {
	*s = append(*s, uintptr(fd))
	(*s)[0]++
}

func (s fdSet) members() []uintptr { return s[1 : 1+s[0]] }

// pointer is nil for an empty set, which select does not accept.
func (s fdSet) pointer() unsafe.Pointer {
	if s[0] == 0 {
		return nil
	}
	return unsafe.Pointer(&s[0])
}

var procSelect = windows.NewLazySystemDLL("ws2_32.dll").NewProc("select")

// winsockSelect leaves in each set the sockets that are ready, after at most
// millis milliseconds; -1 waits for ever. The sets are on the heap, so they do
// not move while Winsock uses them.
func winsockSelect(read, write, except fdSet, millis int) error {
	type timeval struct{ sec, usec int32 }
	var tv *timeval
	if millis >= 0 {
		tv = &timeval{sec: int32(millis / 1000), usec: int32(millis % 1000 * 1000)}
	}
	r, _, errno := syscall.SyscallN(procSelect.Addr(), 0, uintptr(read.pointer()),
		uintptr(write.pointer()), uintptr(except.pointer()), uintptr(unsafe.Pointer(tv)))
	if int32(r) < 0 {
		return os.NewSyscallError("select", errno)
	}
	return nil
}
