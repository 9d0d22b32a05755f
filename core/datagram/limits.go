package datagram

import "time"

// What a zero Config stands for, and what cannot be set.
const (
	// DefaultBatch is how many messages a socket receives or sends by one call.
	DefaultBatch = 32
	// DefaultMessageSize is how many bytes of a message are received.
	DefaultMessageSize = 2048
	// DefaultRounds is how many batches a socket receives before the other events
	// of the loop get their turn.
	DefaultRounds = 16
	// DefaultMaxQueued is how many messages wait to be sent at most.
	DefaultMaxQueued = 4096
	// DefaultMaxQueuedBytes is how many bytes these may have.
	DefaultMaxQueuedBytes = 1 << 20

	// keptBytes is up to how much memory of the queue is kept when it is empty.
	keptBytes = 64 << 10
	// keptMessages is how many messages that memory is kept for.
	keptMessages = 1024
	// retryDelay is the time until a socket is tried again that fails each time, or
	// whose event the loop refuses.
	retryDelay = 100 * time.Millisecond
	// maxErrors is how many errors of peers are taken from the queue in a row.
	maxErrors = 64
)
