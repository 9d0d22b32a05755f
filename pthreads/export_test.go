package pthreads

import "github.com/go-libevent/libevent/core/listener"

// AcceptBurst and AcceptPause are what tests have to know to tell when a
// listener takes a break.
const (
	AcceptBurst = listener.DefaultAcceptLimit
	AcceptPause = listener.DefaultPause
)

// HasEnded reports whether loop i has ended and owns nothing any more.
func (g *Group) HasEnded(i int) bool { return g.hasEnded(g.loops[i]) }
