package evproxy

import (
	"fmt"
	"time"
)

// Defaults of a Config.
const (
	// DefaultTimeout is how long a header may take. The protocol wants at least three
	// seconds, for a packet that is lost.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxSize bounds a header. One with addresses only has 232 bytes at most,
	// and the certificate of a client some thousand.
	DefaultMaxSize = 4096
)

// Versions is a set of versions of the protocol.
type Versions uint8

// The versions.
const (
	Version1 Versions = 1 << iota
	Version2
)

// A Config says whose headers are accepted, and which. It is copied.
type Config struct {
	// Trust says whom to believe. There is no default, as who may send a header may
	// say any address.
	Trust Trust
	// Direct has peers that are not trusted connect without a proxy: their streams
	// have no header, and are not looked into for one. Otherwise they are refused.
	Direct bool
	// Versions are those that are accepted, by default both.
	Versions Versions
	// Timeout bounds the time that a header takes from the beginning to the end, by
	// default DefaultTimeout.
	Timeout time.Duration
	// MaxSize bounds the header in bytes, by default DefaultMaxSize.
	MaxSize int
}

// check fills in defaults.
func (c Config) check() (Config, error) {
	if c.Versions == 0 {
		c.Versions = Version1 | Version2
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxSize == 0 {
		c.MaxSize = DefaultMaxSize
	}
	switch {
	case c.Trust == nil:
		return c, fmt.Errorf("%w: Trust is not set", ErrConfig)
	case c.Versions&^(Version1|Version2) != 0:
		return c, fmt.Errorf("%w: Versions %#x", ErrConfig, c.Versions)
	case c.Timeout < 0:
		return c, fmt.Errorf("%w: Timeout %v", ErrConfig, c.Timeout)
	case c.MaxSize < maxLine:
		return c, fmt.Errorf("%w: MaxSize %d is less than a line has, %d", ErrConfig, c.MaxSize, maxLine)
	}
	return c, nil
}
