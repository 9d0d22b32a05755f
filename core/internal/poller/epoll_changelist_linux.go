package poller

import "github.com/go-libevent/libevent/core/internal/evlog"

// epollChangelist is epoll with changes gathered and applied once an
// iteration, so that deleting and adding a descriptor again costs one
// epoll_ctl or none. As in libevent it is an option and not the default,
// because a descriptor that is closed while a copy of it lives on cannot be
// told from one that stays open.
type epollChangelist struct {
	*epoll
	changes []epollChange
	index   []int32 // by descriptor: position in changes plus one, or zero
}

// epollChangelistMethod is what an instance says of itself; it is opened by
// epollMethod.
var epollChangelistMethod = Method{
	Name:     "epoll (with changelist)",
	Features: epollMethod.Features,
	Env:      epollMethod.Env,
}

// epollChange says what the kernel watches on a descriptor and what it should.
type epollChange struct {
	fd        int
	have      Interest
	want      Interest
	wasClosed bool // want was zero at some time since have was in force
}

func (ep *epollChangelist) Method() *Method { return &epollChangelistMethod }

// Update applies the first interest in a descriptor at once, so that its
// error reaches the caller, and leaves everything else to Flush.
func (ep *epollChangelist) Update(fd int, old, new Interest) error {
	if fd >= 0 && fd < len(ep.index) && ep.index[fd] != 0 {
		c := &ep.changes[ep.index[fd]-1]
		c.want = new
		c.wasClosed = c.wasClosed || new == 0
		return nil
	}
	if old == 0 {
		return ep.epoll.Update(fd, old, new)
	}
	for fd >= len(ep.index) {
		ep.index = append(ep.index, make([]int32, max(fd+1-len(ep.index), len(ep.index)))...)
	}
	ep.changes = append(ep.changes, epollChange{fd: fd, have: old, want: new, wasClosed: new == 0})
	ep.index[fd] = int32(len(ep.changes))
	return nil
}

// Flush applies the gathered changes. A failure concerns one descriptor only
// and comes too late for its caller, so it is logged.
func (ep *epollChangelist) Flush() error {
	for i := range ep.changes {
		c := &ep.changes[i]
		ep.index[c.fd] = 0
		// A descriptor that was not watched for a moment may have been closed and
		// its number reused, so it is told to the kernel again even when
		// nothing seems to have changed.
		if c.have == c.want && !c.wasClosed {
			continue
		}
		if err := epollControl(ep.fd, c.fd, c.have, c.want); err != nil {
			evlog.Logf(evlog.Warn, "changelist: %v", err)
		}
	}
	ep.changes = ep.changes[:0]
	return nil
}
