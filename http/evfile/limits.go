package evfile

const (
	// DefaultMaxListed is how many entries of a folder are listed, where
	// [Server.MaxListed] is 0.
	DefaultMaxListed = 10_000
	// maxPiece is how much of a file is handed over at a time, and what is at
	// most in memory of one that cannot be sent from disk.
	maxPiece = 256 << 10
	// maxRead is up to where a file is read rather than sent from disk, which
	// would be a system call of its own after that for the header.
	maxRead = 16 << 10
)
