package evcert

import "time"

// Limits and defaults of the package. Those of a Store, a Stapler and an ACME are
// set in their configurations.
const (
	// MaxFileSize is how long a file with certificates or keys may be, in bytes.
	MaxFileSize = 1 << 20

	// DefaultReloadInterval is the default of StoreConfig.Interval.
	DefaultReloadInterval = 10 * time.Second

	// DefaultFetchTimeout is the default of StaplerConfig.FetchTimeout.
	DefaultFetchTimeout = 30 * time.Second
	// DefaultMinRetry is the default of StaplerConfig.MinRetry.
	DefaultMinRetry = time.Minute
	// DefaultMaxRetry is the default of StaplerConfig.MaxRetry.
	DefaultMaxRetry = time.Hour

	// DefaultMaxIssuing is the default of ACMEConfig.MaxIssuing.
	DefaultMaxIssuing = 16

	// reloadTries is how often files are read that change while they are read,
	// before that is an error: a file is replaced in an instant, and is written
	// for longer.
	reloadTries = 3
	// recheckAfter is how long an autocert.Manager is not asked whether it has
	// renewed a certificate, which it begins weeks before the end.
	recheckAfter = time.Minute
	// maxStapleAge is how long an OCSP response without an end is valid.
	maxStapleAge = 24 * time.Hour
	// maxStaple is how long an OCSP response may be, in bytes. Usual ones have
	// 500, and more with the certificate of a responder; handshakes carry them.
	maxStaple = 16 << 10
	// maxGetURL is the longest URL of an OCSP request with GET, which caches can
	// answer (RFC 5019 section 5).
	maxGetURL = 255
)

// maxIterations bounds the work of deriving a key from a password: a damaged file
// must not occupy a processor for hours. It is a variable for tests.
var maxIterations = 10_000_000
