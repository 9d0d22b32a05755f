package datagram

import (
	"fmt"

	"github.com/go-libevent/libevent/core/evthread"
)

// A Config sets a Socket up. The zero value of each field is its default.
type Config struct {
	// OnMessages is called with the messages that have arrived, which are good until
	// it returns. Without it the socket cannot be enabled.
	OnMessages func(s *Socket, messages []Message)
	// OnUnsent is called with messages that were queued and could not be sent. Their
	// Err says why; they are good until it returns. Without it they are dropped.
	OnUnsent func(s *Socket, messages []Message)
	// OnError is called when receiving fails, and when the loop cannot wait for the
	// socket. The socket goes on: at once, or after 100 ms if it fails each time. At
	// a connected socket, ErrRefused says that no socket is bound at the peer. With
	// PeerErrors, the error is also a *PeerError for each error of a peer.
	OnError func(s *Socket, err error)
	// OnDrained is called when all messages that had to wait have been sent, or there
	// is room again after SendNow took fewer messages than it was given.
	OnDrained func(s *Socket)

	// Batch is the memory for messages, which sockets of one loop may share; nil is
	// a Batch of the socket's own, for DefaultBatch messages of DefaultMessageSize
	// bytes. Its limit is how many messages OnMessages gets at most.
	Batch *Batch
	// Rounds is how many batches are received before the other events of the loop
	// get their turn; 0 is DefaultRounds.
	Rounds int
	// FlushAfter is how many messages are queued before they are sent without waiting
	// for the end of OnMessages or of the iteration; 0 is the limit of Batch.
	FlushAfter int
	// MaxQueued and MaxQueuedBytes are how many messages, and bytes of these, may be
	// queued; 0 is DefaultMaxQueued and DefaultMaxQueuedBytes. If MaxQueued is
	// negative, nothing is queued, and only SendNow sends.
	MaxQueued      int
	MaxQueuedBytes int
	// PauseWhenFull stops receiving while messages wait for room in the socket: for
	// servers, whose answers would pile up. The system then drops what arrives.
	PauseWhenFull bool
	// PeerErrors has the system report errors of peers that a socket that is not
	// connected cannot receive otherwise, such as ICMP's "port unreachable", and
	// with each error the peer (IP_RECVERR). Only Linux can; elsewhere the error of
	// NewSocket wraps errors.ErrUnsupported.
	PeerErrors bool
	// Guard, if it has a lock, is taken before callbacks and released after them. The
	// socket may then be used by any goroutine that holds it.
	Guard evthread.Guard
}

// complete checks the config and fills in the defaults.
func (c *Config) complete() error {
	for _, setting := range []struct {
		name  string
		value *int
		def   int
	}{
		{"Rounds", &c.Rounds, DefaultRounds},
		{"FlushAfter", &c.FlushAfter, c.Batch.limitOr(DefaultBatch)},
		{"MaxQueuedBytes", &c.MaxQueuedBytes, DefaultMaxQueuedBytes},
	} {
		switch {
		case *setting.value < 0:
			return fmt.Errorf("%s %d: %w", setting.name, *setting.value, ErrConfig)
		case *setting.value == 0:
			*setting.value = setting.def
		}
	}
	if !c.Guard.HasLock() {
		c.Guard = evthread.Guard{} // callbacks come from the goroutine that a check asks for
	}
	if c.MaxQueued == 0 {
		c.MaxQueued = DefaultMaxQueued
	}
	if c.Batch == nil {
		c.Batch = NewBatch(DefaultBatch, DefaultMessageSize)
	}
	return nil
}

// limitOr returns the limit of b, or n if b is nil.
func (b *Batch) limitOr(n int) int {
	if b == nil {
		return n
	}
	return max(b.limit, 1)
}
