package evtls

import "time"

// OnRest has a stapler tell fn how long it would wait for the next response,
// instead of waiting.
func (st *Stapler) OnRest(fn func(s *Staple, d time.Duration)) { st.rest = fn }

// Fetch is what happens when that time has passed.
func (s *Staple) Fetch() { s.fetch() }

// ParseRequest tells how a ChallengeServer understands the head of a request.
func ParseRequest(head string) (method, target, host string, status int) {
	r, status := parseRequest(head)
	return r.method, r.target, r.host, status
}

// SetMaxIterations bounds the work of deriving keys.
func SetMaxIterations(n int) { maxIterations = n }
