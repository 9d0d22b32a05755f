//go:build unix

package poller

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

var pollMethod = Method{
	Name:     "poll",
	Features: FeatureFDs | pollEarlyClose,
	Env:      "POLL",
	Open:     openPoll,
}

// poll drives poll(2), which every Unix has. All descriptors go to the kernel
// with every wait, so that its cost grows with their number.
//
// Update edits want. Flush copies that to asked, which is all that Wait uses,
// so that an Update may come while another goroutine waits.
type poll struct {
	waker *waker
	alarm alarm

	want    []unix.PollFd // the waker's descriptor comes first
	index   []int32       // by descriptor: position in want, or zero for none
	changed bool          // want differs from asked

	asked []unix.PollFd
}

func openPoll(Options) (Poller, error) {
	w, err := newWaker()
	if err != nil {
		return nil, err
	}
	a, err := openAlarm()
	if err != nil {
		_ = w.close() // the error that counts is the first
		return nil, err
	}
	return &poll{
		waker:   w,
		alarm:   a,
		want:    []unix.PollFd{{Fd: int32(w.fd()), Events: unix.POLLIN}},
		changed: true,
	}, nil
}

func (p *poll) Method() *Method { return &pollMethod }
func (p *poll) Wake() error     { return p.waker.wake() }

func (p *poll) Close() error {
	return errors.Join(p.waker.close(), p.alarm.close())
}

func (p *poll) Update(fd int, old, new Interest) error {
	if old == 0 {
		if err := checkOpen("poll add", fd); err != nil {
			return err
		}
	}
	p.changed = true
	if new == 0 {
		p.remove(fd)
		return nil
	}
	p.entry(fd).Events = pollBits(new)
	return nil
}

// entry returns fd's place in want, a new one if need be.
func (p *poll) entry(fd int) *unix.PollFd {
	if fd >= len(p.index) {
		p.index = append(p.index, make([]int32, max(fd+1-len(p.index), len(p.index)))...)
	}
	if p.index[fd] == 0 {
		p.index[fd] = int32(len(p.want))
		p.want = append(p.want, unix.PollFd{Fd: int32(fd)})
	}
	return &p.want[p.index[fd]]
}

// remove fills fd's place in want with the last one.
func (p *poll) remove(fd int) {
	i := p.index[fd]
	last := len(p.want) - 1
	p.want[i] = p.want[last]
	p.index[p.want[i].Fd] = i
	p.index[fd] = 0
	p.want = p.want[:last]
}

func (p *poll) Flush() error {
	if p.changed {
		p.asked = append(p.asked[:0], p.want...)
		p.changed = false
	}
	return nil
}

func (p *poll) Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error) {
	n, err := pollNow(p.asked)
	if n == 0 && err == nil && deadline != Now {
		yielded = true
		deadline.yield()
		n, err = p.block(deadline)
	}
	switch err {
	case nil:
		return p.collect(n, events), yielded, nil
	case unix.EINTR:
		return events, yielded, nil
	default:
		return events, yielded, fmt.Errorf("poll: %w", err)
	}
}

// collect translates the n entries of asked that have an answer.
func (p *poll) collect(n int, events []Event) []Event {
	for i := 0; n > 0; i++ {
		e := &p.asked[i]
		if e.Revents == 0 {
			continue
		}
		n--
		if i == 0 {
			p.waker.drain()
			continue
		}
		events = append(events, Event{FD: int(e.Fd), Ready: pollReady(e.Revents)})
	}
	return events
}

// pollBits translates an Interest to what poll(2) and its kin ask for.
func pollBits(in Interest) int16 {
	var bits int16
	if in&Read != 0 {
		bits |= unix.POLLIN
	}
	if in&Write != 0 {
		bits |= unix.POLLOUT
	}
	if in&Closed != 0 {
		bits |= pollRDHUP
	}
	return bits
}

// pollReady translates what poll(2) and its kin answer. An error, a full
// hangup and a descriptor that was closed make it ready in every way:
// whichever condition is watched, its owner must learn of it, or the loop
// would spin.
func pollReady(bits int16) Interest {
	if bits&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
		return Conditions
	}
	var in Interest
	if bits&unix.POLLIN != 0 {
		in |= Read
	}
	if bits&unix.POLLOUT != 0 {
		in |= Write
	}
	if bits&pollRDHUP != 0 {
		in |= Closed
	}
	return in
}
