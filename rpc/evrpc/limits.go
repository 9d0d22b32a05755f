package evrpc

// Defaults of limits; [ServerConfig] and [PoolConfig] change them.
const (
	// DefaultMaxRequestSize is the most bytes that a request may have.
	DefaultMaxRequestSize = 16 << 20
	// DefaultMaxReplySize is the most bytes that a reply may have.
	DefaultMaxReplySize = 16 << 20
	// DefaultMaxWaiting is how many calls may wait for a connection of a pool.
	DefaultMaxWaiting = 4096
)

// maxSpare is how many calls of each RPC a server keeps to be used again.
const maxSpare = 64

// limit returns a limit that is set to n: zero stands for a default, and a negative number
// for none, which is what unlimited stands for.
func limit(n, otherwise, unlimited int64) int64 {
	switch {
	case n == 0:
		return otherwise
	case n < 0:
		return unlimited
	}
	return n
}
