package evcert

import "time"

// OnSchedule has a stapler call fn with the time to the next fetch instead of waiting
// for it.
func (st *Stapler) OnSchedule(fn func(s *Staple, d time.Duration)) { st.schedule = fn }

// Fetch is what happens when that time has passed.
func (s *Staple) Fetch() { s.fetch() }

// SetMaxIterations bounds the work of deriving keys.
func SetMaxIterations(n int) { maxIterations = n }
