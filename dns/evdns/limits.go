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

// Limits of what nameservers and files can cost.
const (
	// maxNegativeTTL is how long the absence of a name or of records is cached at
	// most; answers are for dnswire.MaxTTL. Longer TTLs are mistakes, or attacks
	// (RFC 8767 section 4, RFC 2308 section 5).
	maxNegativeTTL = 3 * time.Hour
	// entryRoom is how many bytes an answer in the cache may have on average, and
	// minRoom what all may have in any case, which is more than one can have.
	entryRoom = 1 << 10
	minRoom   = 128 << 10
	// specialTTL is how long answers for special names may be cached.
	specialTTL = 3 * time.Hour

	// maxPerChannel is how many requests may be on a socket or connection: half of the
	// ids, so that a free one is found soon.
	maxPerChannel = 1 << 15
	// maxIdle is the length of the longest list that is kept for the next use.
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

	// maxSources is for how many addresses of a family the system is asked for its
	// source address; the others count as if they were like the first. sourcesTTL is
	// how long its answers are cached, and maxRemembered how many.
	maxSources    = 32
	sourcesTTL    = time.Second
	maxRemembered = 1000
)

// How UDP sockets come and go. An unknown port protects against forged answers as
// well as the id does, so ports should not live long; a new one costs four system
// calls. Sockets that were replaced wait for the answers that are still to come.
const (
	maxUses    = 512              // how many queries are sent from a socket
	maxAge     = 30 * time.Second // how old a socket may be when a query is sent from it
	maxRetired = 16               // how many sockets of a nameserver may wait for answers

	// udpBatch is how many datagrams go through one system call.
	udpBatch = 32
	// minUDPRoom is the least length of a datagram that can be received: many
	// nameservers send that much to queries without EDNS.
	minUDPRoom = 1280
	// udpRounds is how many batches are received before other events have their turn.
	udpRounds = 4
)

// What is kept in mind about nameservers.
const (
	// plainTime is how long a nameserver that was found not to know EDNS is asked
	// without. It may have been replaced by then, or a host on the way.
	ednsRetryTime = 15 * time.Minute
	// burstMemory is how long it is known after how many queries a nameserver closes
	// connections.
	queryLimitTTL = 10 * time.Minute
	// caseDelay is how long the right answer is awaited when there was one with other
	// letters, unless the nameserver is known to change them.
	caseDelay = 50 * time.Millisecond
	// slack is how much longer than the fastest nameserver others may take, besides
	// as long again, to be asked as often.
	rttSlack = 25 * time.Millisecond
)
