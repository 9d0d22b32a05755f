package evutil

import "time"

// What tests of this package look at from inside.
var (
	ConfiguredFamily = configuredFamily
	IsLocal          = isLocal
	IsSiteLocal      = isSiteLocal
	WallClock        = wallClock
)

const (
	AIKnown   = aiKnown
	ProtoSCTP = protoSCTP
)

// NewTimerOf returns a timer that reads a clock.
func NewTimerOf(read func() time.Duration) *MonotonicTimer { return &MonotonicTimer{read: read} }

// KeepAliveTimes returns the times, in seconds, of newKeepAliveTimes.
func KeepAliveTimes(idle time.Duration) (first, between int) {
	times := newKeepAliveTimes(idle)
	return times.idle, times.interval
}
