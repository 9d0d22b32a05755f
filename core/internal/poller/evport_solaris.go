package poller

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/internal/evlog"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

var evportMethod = Method{
	Name:     "evport",
	Features: FeatureO1 | FeatureFDs,
	Env:      "EVPORT",
	Open:     openEvport,
}

// Bounds of the buffer that port_getn fills. It doubles each time it comes
// back full.
const (
	minEvportEvents = 32
	maxEvportEvents = 4096
)

// evport drives Solaris's event ports.
//
// The association of a descriptor with the port ends when its event is
// delivered. Wait notes the descriptors and Flush associates them again,
// so that a descriptor which is still ready is reported by the next Wait.
type evport struct {
	port    int
	buf     []portEvent
	want    []Interest  // by descriptor; only for Update and Flush
	fired   []int       // descriptors delivered by the last Wait
	pending atomic.Bool // from the first wake to the event that it causes
}

func openEvport(Options) (Poller, error) {
	port, err := portCreate()
	if err != nil {
		return nil, os.NewSyscallError("port_create", err)
	}
	unix.CloseOnExec(port)
	return &evport{port: port, buf: make([]portEvent, minEvportEvents)}, nil
}

func (p *evport) Method() *Method { return &evportMethod }
func (p *evport) Close() error    { return os.NewSyscallError("close", sysio.Close(p.port)) }

func (p *evport) Update(fd int, old, new Interest) error {
	if fd < 0 {
		return opError("port_associate", fd, unix.EBADF)
	}
	if new == 0 {
		// An error says that nothing was associated: the event has been
		// delivered, or the descriptor is closed.
		_ = retryError(func() error { return portDissociate(p.port, fd) }) // it may be gone already
		p.want[fd] = 0
		return nil
	}
	err := retryError(func() error { return portAssociate(p.port, fd, pollBits(new)) })
	if err == unix.EBADFD {
		err = unix.EBADF // what every other interface says
	}
	if err != nil {
		return opError("port_associate", fd, err)
	}
	if fd >= len(p.want) {
		p.want = append(p.want, make([]Interest, max(fd+1-len(p.want), len(p.want)))...)
	}
	p.want[fd] = new
	return nil
}

// Flush associates again what was delivered. A failure concerns one descriptor
// only and comes after the call that asked for it has returned, so it is logged; that
// a descriptor was closed while it was watched is not worth it.
func (p *evport) Flush() error {
	for _, fd := range p.fired {
		if p.want[fd] == 0 {
			continue
		}
		err := retryError(func() error { return portAssociate(p.port, fd, pollBits(p.want[fd])) })
		if err != nil && err != unix.EBADFD {
			evlog.Logf(evlog.Warn, "%v", opError("port_associate", fd, err))
		}
	}
	p.fired = p.fired[:0]
	return nil
}

func (p *evport) Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error) {
	n, err := portGetnNow(p.port, p.buf)
	if n == 0 && err == nil && deadline != Now {
		yielded = true
		deadline.yield()
		n, err = p.sleep(deadline.left())
	}
	switch err {
	case nil:
		return p.collect(n, events), yielded, nil
	case unix.EINTR:
		return events, yielded, nil
	default:
		return events, yielded, fmt.Errorf("port_getn: %w", err)
	}
}

func (p *evport) sleep(timeout time.Duration) (int, error) {
	if timeout < 0 {
		return portGetn(p.port, p.buf, nil)
	}
	ts := timespec(timeout)
	return portGetn(p.port, p.buf, &ts)
}

// collect translates the first n entries of the buffer.
func (p *evport) collect(n int, events []Event) []Event {
	for i := range p.buf[:n] {
		e := &p.buf[i]
		if e.source == unix.PORT_SOURCE_USER {
			p.pending.Swap(false) // a swap, to see what was done before the wake
			continue
		}
		fd := int(e.object)
		p.fired = append(p.fired, fd)
		events = append(events, Event{FD: fd, Ready: pollReady(int16(e.events))})
	}
	if n == len(p.buf) && n < maxEvportEvents {
		p.buf = make([]portEvent, 2*n)
	}
	return events
}

func (p *evport) Wake() error {
	if p.pending.Swap(true) {
		return nil
	}
	if err := retryError(func() error { return portSend(p.port) }); err != nil {
		p.pending.Store(false)
		return os.NewSyscallError("port_send", err)
	}
	return nil
}
