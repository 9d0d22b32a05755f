package evbuffer

import "sync/atomic"

// shared owns memory that was one chunk's own, once several chunks have parts
// of it.
type shared struct {
	refs atomic.Int32
	home chunk // what to recycle in the end
}

// share makes the memory of c one that others may refer to. From then on it is
// never written to.
func (c *chunk) share() {
	if c.owner != nil {
		return
	}
	s := &shared{home: chunk{mem: c.mem, class: c.class, reserved: c.reserved}}
	s.refs.Store(1)
	c.owner, c.class, c.reserved = s, unpooled, false
}

func (s *shared) retain() { s.refs.Add(1) }

func (s *shared) release() {
	if s.refs.Add(-1) == 0 {
		s.home.recycle()
	}
}
