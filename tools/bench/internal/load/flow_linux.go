package load

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// flowWindow is how many bytes may be under way on a connection, so that a
	// server without bounds need not hold more.
	flowWindow = 1 << 20

	// flowPiece is how many bytes are written at a time.
	flowPiece = 64 << 10
)

// flow is a connection that is kept full, in both directions.
type flow struct {
	link               link
	limit              int // bytes to send
	sent, got          int
	writable, readable bool // nothing to the contrary is known
}

// flows are all connections of a load.
type flows struct {
	pool  *pool
	flows []flow
	piece []byte
}

// newFlows opens connections, makes sure that they echo, and is ready to send
// limit bytes on each.
func newFlows(s *server, conns, limit int) (*flows, error) {
	p, err := newPool()
	if err != nil {
		return nil, err
	}
	f := &flows{pool: p, flows: make([]flow, conns), piece: make([]byte, flowPiece)}
	err = p.open(s, conns, unix.EPOLLIN|unix.EPOLLOUT)
	if err == nil {
		err = p.verify(0, 64)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	for i, l := range p.links {
		f.flows[i] = flow{link: l, limit: limit, writable: true, readable: true}
	}
	return f, nil
}

// step waits until something can be done, at most until the time end, and does
// it.
func (f *flows) step(end time.Time) error {
	left := min(max(time.Until(end), 0), patience)
	events, err := f.pool.wait(left)
	if err != nil {
		return err
	}
	if len(events) == 0 && left == patience {
		return errSilent
	}
	for _, e := range events {
		c := &f.flows[e.Fd]
		c.readable = c.readable || e.Events&^unix.EPOLLOUT != 0
		c.writable = c.writable || e.Events&unix.EPOLLOUT != 0
		if err := c.pump(f.piece); err != nil {
			return fmt.Errorf("connection %d: %w", e.Fd, err)
		}
	}
	return nil
}

// received returns how many bytes came back so far on each connection.
func (f *flows) received() []int {
	got := make([]int, len(f.flows))
	for i := range f.flows {
		got[i] = f.flows[i].got
	}
	return got
}

// pump writes and reads by turns until neither is possible.
func (c *flow) pump(piece []byte) error {
	if err := c.link.flush(); err != nil && err != unix.EAGAIN {
		return fmt.Errorf("write: %w", err)
	}
	for {
		wrote, err := c.write(piece)
		if err != nil {
			return err
		}
		read, err := c.read()
		if err != nil {
			return err
		}
		if !wrote && !read {
			return nil
		}
	}
}

// write writes a piece if the window and the socket have room, and says whether
// they had.
func (c *flow) write(piece []byte) (bool, error) {
	room := min(c.limit-c.sent, c.got+flowWindow-c.sent, len(piece))
	if room <= 0 || !c.writable {
		return false, nil
	}
	n, err := c.link.send(piece[:room])
	if n < room {
		c.writable = false // an event will say when it is again
	}
	if err != nil && err != unix.EAGAIN {
		return false, fmt.Errorf("write: %w", err)
	}
	c.sent += n
	return n > 0, nil
}

// read takes what came back, and says whether anything did.
func (c *flow) read() (bool, error) {
	if !c.readable {
		return false, nil
	}
	n, err := c.link.discard(flowWindow)
	if err == unix.EAGAIN {
		c.readable = false
		return false, nil
	}
	if n <= 0 {
		return false, received(err)
	}
	c.got += n
	return true, nil
}
