package pthreads

// AcceptBurst and AcceptPause are what tests have to know to tell when a
// listener takes a break.
const (
	AcceptBurst = acceptBurst
	AcceptPause = acceptPause
)

// HasEnded reports whether loop i has ended and owns nothing any more.
func (g *Group) HasEnded(i int) bool { return g.hasEnded(g.loops[i]) }
