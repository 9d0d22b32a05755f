package fixed

import (
	"fmt"
	"strings"
)

// Work is a piece of work. A unit of it is a message, a request, a query, a
// lookup or an operation on a timer.
type Work struct {
	Name  string // of the subject, and of the peer
	Label string
	N     int // connections, or what else is ready at once
	Depth int // units of each of them a round
	Warm  int // rounds before it counts
	Round int // rounds that count
}

// Units returns how many units count.
func (w Work) Units() int { return w.N * w.Depth * w.Round }

// local tells whether the work needs no peer, and makes no system calls.
func (w Work) local() bool { return strings.HasPrefix(w.Name, "timers") }

// Works are all pieces of work.
var Works = []Work{
	{"echo", "echo, 64 B, 100 connections", 100, 1, 20, 300},
	{"echo", "echo, 64 B, 1000 connections", 1000, 1, 5, 30},
	{"http", "HTTP hello, 100 connections", 100, 1, 20, 300},
	{"http", "HTTP hello, 16 pipelined", 100, 16, 5, 30},
	{"http-close", "HTTP hello, a connection each", 100, 1, 10, 50},
	{"tls", "TLS echo, 64 B, 100 connections", 100, 1, 20, 200},
	{"dns-server", "DNS server, 100 queries", 100, 1, 20, 300},
	{"resolver", "resolver, 1 lookup", 1, 1, 100, 3000},
	{"resolver", "resolver, 100 lookups", 100, 1, 10, 200},
	{"timers-add", "100k timers, add", 100_000, 1, 0, 1},
	{"timers-re-add", "100k timers, re-add", 100_000, 1, 0, 1},
	{"timers-delete", "100k timers, delete", 100_000, 1, 0, 1},
	{"timers-fire", "100k timers, fire", 100_000, 1, 0, 1},
}

// find returns the piece of work with a label.
func find(label string) (Work, error) {
	for _, w := range Works {
		if w.Label == label {
			return w, nil
		}
	}
	return Work{}, fmt.Errorf("unknown work %q", label)
}

// The names by which the linker knows the functions between which the measured
// part lies.
const (
	BeginSymbol = "github.com/go-libevent/libevent/tools/bench/internal/fixed.begin"
	EndSymbol   = "github.com/go-libevent/libevent/tools/bench/internal/fixed.end"
)

// crossed keeps the compiler from taking begin and end for the same.
var crossed int

//go:noinline
func begin() { crossed++ }

//go:noinline
func end() { crossed-- }
