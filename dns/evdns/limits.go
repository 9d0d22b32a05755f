package evdns

import (
	"math"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// Defaults and bounds of settings; Config and SetOption have the others.
const (
	defaultNdots       = 1
	defaultPorts       = 4
	defaultMaxWaiting  = 1 << 20
	defaultCacheSize   = 10_000
	defaultMaxFileSize = 16 << 20

	// minTimeout is the shortest timeout.
	minTimeout = time.Millisecond
	// maxSeconds is the longest one, about what an int of C holds in seconds.
	maxSeconds time.Duration = math.MaxInt32 * time.Second

	// defaultFailureTTL is how long a failure is kept, and maxFailureTTL how long it
	// may be (RFC 9520, section 3.2).
	defaultFailureTTL = time.Second
	maxFailureTTL     = 5 * time.Minute
)

// Limits of memory and time that nameservers and files can take.
const (
	// maxNegativeTTL is how long the absence of a name or of records is cached at
	// most; answers are for dnswire.MaxTTL. Longer TTLs are mistakes, or attacks
	// (RFC 8767 section 4, RFC 2308 section 5).
	maxNegativeTTL = 3 * time.Hour
	// entryRoom is how many bytes an entry of the cache may have on average, and minRoom
	// what all may have at least, which is more than one can have.
	entryRoom = 1 << 10
	minRoom   = 128 << 10
	// specialTTL is how long answers for special names may be cached.
	specialTTL = 3 * time.Hour

	// maxPerChannel is how many requests may be on a socket or connection: half of the
	// ids, so that a free id is found quickly.
	maxPerChannel = 1 << 15
	// maxIdle is the capacity up to which the memory of an empty list is kept.
	maxIdle = 1024
	// maxOptions is how many bytes the options of a query may have, so that it fits
	// into a datagram with any name.
	maxOptions = dnswire.EDNSUDPSize - dnswire.HeaderLen - dnswire.MaxName - 4 - dnswire.OPTLen

	// maxConfigLine is how many bytes a line of a file may have.
	maxConfigLine = 64 << 10
	// maxHostAddrs is how many addresses a name can have in hosts files.
	maxHostAddrs = 256
	// maxNameLength is how many bytes the text of a name has, without a dot at the end.
	maxNameLength = 253

	// maxSources is for how many destinations of a family the source address is looked
	// up; the others count as if they had that of the first. sourcesTTL is how long
	// source addresses are cached, and maxRemembered how many.
	maxSources    = 32
	sourcesTTL    = time.Second
	maxRemembered = 1000
)

// Lifetimes of UDP sockets. A random port protects against forged answers as the id does,
// so ports are replaced; a new one costs four system calls. Sockets that were replaced
// are open until their last answers have arrived.
const (
	maxUses    = 512              // how many queries are sent from a socket
	maxAge     = 30 * time.Second // how old a socket may be when a query is sent from it
	maxRetired = 16               // how many sockets of a nameserver may be retired

	// udpBatch is how many datagrams go through one system call.
	udpBatch = 32
	// minUDPRoom is the length of datagrams that can be received at least: many
	// nameservers send as much to queries without EDNS.
	minUDPRoom = 1280
	// udpRounds is how many batches are received before other events are handled.
	udpRounds = 4
)

// Observations of nameservers.
const (
	// ednsRetryTime is how long queries to a nameserver that does not support EDNS are
	// sent without it. By then the nameserver or a middlebox may have been replaced.
	ednsRetryTime = 15 * time.Minute
	// queryLimitTTL is how long the number of queries after which a nameserver closes
	// connections is remembered.
	queryLimitTTL = 10 * time.Minute
	// caseDelay is how long a request waits for an answer with the exact case after one
	// with another, unless the nameserver is known to change it.
	caseDelay = 50 * time.Millisecond
	// rttSlack is by how much the round-trip time of a nameserver may exceed twice that
	// of the fastest one for both to take turns.
	rttSlack = 25 * time.Millisecond
)
