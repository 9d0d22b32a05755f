package evdnsserver

import (
	"math"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// What the fields of a zero Config stand for.
const (
	// DefaultRequestTimeout is how long a request may wait for its answer.
	DefaultRequestTimeout = 30 * time.Second
	// DefaultMaxRequests is how many requests of a UDP server may wait for their
	// answers.
	DefaultMaxRequests = 1 << 16
	// DefaultMaxUDPSize is how many bytes an answer by UDP may have. It goes through
	// any network in one piece.
	DefaultMaxUDPSize = dnswire.EDNSUDPSize
	// DefaultMaxClients is how many TCP connections a server has at a time, as in
	// libevent.
	DefaultMaxClients = 10
	// DefaultIdleTimeout is how long a TCP connection may go without a request, as in
	// libevent.
	DefaultIdleTimeout = 10 * time.Second
)

// Limits of what a client can cost.
const (
	// maxQuestions and maxRecords are how many questions and records a request may
	// have. Clients ask one question, and add an OPT record or two of other kinds;
	// thousands of long names would take long to read.
	maxQuestions = 32
	maxRecords   = 32
	// udpRoom is how long a request may be that comes by UDP; clients are told that
	// maxRequestSize is.
	maxUDPRequest  = 2048
	maxRequestSize = dnswire.EDNSUDPSize
	// maxDatagram is the longest message that UDP over IPv4 can carry.
	maxDatagram = math.MaxUint16 - 8 - 20
	// udpBatch is how many requests are received at a time, and udpFlush after how
	// many answers these are sent, for clients to work on them meanwhile.
	udpBatch = 32
	udpFlush = 16

	// maxPipelined is how many requests of a connection may wait for their answers,
	// and maxUnread how many bytes of answers for the client; with more, its next
	// requests wait.
	maxPipelined = 128
	maxUnread    = 256 << 10
	// maxFrame is a message of any length with its length before it.
	maxFrame = 2 + math.MaxUint16
)
