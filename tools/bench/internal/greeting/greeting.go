// Package greeting has the message of the RPC suites, from greeting.rpc, of which both
// generators make code: evrpcgen that of this package, and event_rpcgen.py that of the C peer.
//
// # Files
//
//	greeting.go      messages of some size, and net/rpc's type for them
//	greeting.rpc.go  what evrpcgen has written
package greeting

import (
	_ "embed" // for Schema
	"strings"
)

//go:generate go -C ../../../.. run ./tools/evrpcgen tools/bench/internal/greeting/greeting.rpc

// Schema is greeting.rpc.
//
//go:embed greeting.rpc
var Schema []byte

// Name is what the RPC is called by, in package net/rpc with a receiver before it.
const (
	Name    = "Greet"
	NetName = "Greeter." + Name
)

// The fields of all messages, but for how many lines there are. The C peer has the same.
const (
	text   = "Hello, world"
	number = 1_000_000
	line   = "all along the watchtower"
)

// New returns the message with a number of lines.
func New(lines int) *Greeting {
	m := new(Greeting)
	m.SetText(text)
	m.SetNumber(number)
	for range lines {
		m.AddLines(line)
	}
	return m
}

// Copy makes to what from is.
func Copy(to, from *Greeting) {
	to.SetText(from.Text())
	to.SetNumber(from.Number())
	to.SetLines(from.Lines())
}

// Good reports whether m is New of a number of lines, as far as its length tells.
func Good(m *Greeting, lines int) bool {
	return m.Text() == text && m.Number() == number && len(m.Lines()) == lines && strings.HasPrefix(m.Lines()[lines-1], line)
}

// Net is the message for net/rpc.
type Net struct {
	Text   string
	Number uint32
	Lines  []string
}

// NewNet is New for net/rpc.
func NewNet(lines int) *Net {
	m := New(lines)
	return &Net{m.Text(), m.Number(), m.Lines()}
}

// A Greeter is the receiver of net/rpc.
type Greeter struct{}

// Greet answers with the request.
func (Greeter) Greet(request *Net, reply *Net) error {
	*reply = *request
	return nil
}
