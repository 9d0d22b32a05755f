package simnet

import "time"

// Faults says how often and how much goes wrong, by itself; the zero Faults is a
// perfect network. What is called a rate is a probability from 0 to 1.
type Faults struct {
	// Latency is how long a packet takes from one host to another, and Jitter how
	// much longer it may take. Within a host there is neither.
	Latency, Jitter time.Duration
	// Bandwidth is how many bytes a second pass in one direction between two hosts,
	// or zero for as many as there are.
	Bandwidth int
	// Split is the rate of pieces of a stream that are cut at some byte, rather than
	// where the segments of TCP end.
	Split float64
	// Delay is the rate of segments and messages that are lost once and come after
	// TCP has sent them again. They hold up what follows on their connection.
	Delay float64
	// SmallBuffers is the rate of sockets whose buffers take a few bytes or kilobytes
	// only.
	SmallBuffers float64

	// Refuse is the rate of connections that are refused though a socket listens,
	// Vanish of those whose beginning is never answered, and Reset of segments with
	// which the connection is reset instead.
	Refuse, Vanish, Reset float64

	// Lose, Duplicate, Reorder and Corrupt are rates of messages.
	Lose, Duplicate, Reorder, Corrupt float64

	// Interrupt and Again are rates of calls that fail as interrupted, or as if they
	// had to wait though they had not. NoDescriptors and NoBuffers are those of calls
	// that fail for want of a descriptor, or of memory.
	Interrupt, Again, NoDescriptors, NoBuffers float64

	// Hold is the rate of turns of a loop before which its process gets no processor
	// for as long as HoldTime at most: callbacks are slow, for those who look at the
	// clock.
	Hold     float64
	HoldTime time.Duration
	// LateTimers is how late waits may end.
	LateTimers time.Duration
	// ResetDropsData has a reset take what has arrived and was not received, as on
	// some systems, instead of leaving it to be read first.
	ResetDropsData bool
	// FewEvents has a wait report as few as one of the events that there are.
	FewEvents bool
}
