package evtls

import (
	"crypto/tls"
	"time"
)

// State says how far a TLS connection is when a bufferevent gets it (enum
// bufferevent_ssl_state).
type State uint8

const (
	// Open is a connection whose handshake is done already: one that Detach
	// has returned (BUFFEREVENT_SSL_OPEN).
	Open State = iota
	// Connecting is the client's side of a new connection
	// (BUFFEREVENT_SSL_CONNECTING).
	Connecting
	// Accepting is the server's side of a new connection
	// (BUFFEREVENT_SSL_ACCEPTING).
	Accepting
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Open:
		return "open"
	case Connecting:
		return "connecting"
	case Accepting:
		return "accepting"
	}
	return "unknown state"
}

// Flags change how a TLS bufferevent behaves.
type Flags uint16

const (
	// DirtyShutdown takes the end of the stream below for the end of the TLS
	// stream, even if the peer has not said that it has ended. Without it
	// that is an error, because an attacker may have cut the stream off
	// (BUFFEREVENT_SSL_DIRTY_SHUTDOWN).
	DirtyShutdown Flags = 1 << iota
	// BatchWrite brings output that lies in several pieces of memory together
	// into records as long as possible, at the cost of copying it
	// (BUFFEREVENT_SSL_BATCH_WRITE).
	BatchWrite
)

const allFlags = DirtyShutdown | BatchWrite

// DefaultHandshakeTimeout is how long a handshake may take if nothing else is
// said.
const DefaultHandshakeTimeout = 30 * time.Second

// Config says how to make a TLS bufferevent.
type Config struct {
	// TLS is crypto/tls's own configuration. It is needed for new connections,
	// may be shared by any number of them, and must not be changed. A server
	// needs certificates in it, a client a ServerName or InsecureSkipVerify.
	// Without a ServerName it is the host that ConnectHostname connects to.
	TLS *tls.Config

	// Conn is the connection of a bufferevent that starts Open.
	Conn *Conn

	// HandshakeTimeout bounds the time from the first byte of a handshake, or
	// from the start of an accepted connection, to its end; zero is
	// DefaultHandshakeTimeout, and less than zero is for ever.
	HandshakeTimeout time.Duration

	// Workers, if not nil, do the costly parts of handshakes in other
	// goroutines, so that these do not hold the loop up.
	Workers *Workers

	// Flags are the flags to begin with.
	Flags Flags
}

func (cfg *Config) handshakeTimeout() time.Duration {
	switch {
	case cfg.HandshakeTimeout == 0:
		return DefaultHandshakeTimeout
	case cfg.HandshakeTimeout < 0:
		return 0
	}
	return cfg.HandshakeTimeout
}
