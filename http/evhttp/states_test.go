package evhttp

import "testing"

// All tests of this package check the transitions of all connections and requests.
func init() { checkTransitions = true }

func TestTransitions(t *testing.T) {
	panics := func(f func()) (did bool) {
		defer func() { did = recover() != nil }()
		f()
		return false
	}
	for _, test := range []struct {
		name    string
		step    func()
		allowed bool
	}{
		{"a request on an idle connection", func() { clientStates.check(idle, awaitingHead) }, true},
		{"a body without a head", func() { clientStates.check(idle, receivingBody) }, false},
		{"a request on no connection", func() { clientStates.check(disconnected, awaitingHead) }, false},
		{"HTTP after an upgrade", func() { clientStates.check(upgraded, idle) }, false},
		{"a pipelined request", func() { serverStates.check(answering, awaitingRequest) }, true},
		{"a request after the last one", func() { serverStates.check(closing, awaitingRequest) }, false},
		{"an end without a head", func() { messageStates.check(sendDone, sendBody) }, false},
		{"a queued request in a pool", func() { exchangeStates.check(queued, pooled) }, false},
	} {
		if panics(test.step) == test.allowed {
			t.Errorf("%s: allowed is not %v", test.name, test.allowed)
		}
	}
}

// TestPredicatesOfStates checks that each state of a client's connection is in one phase.
func TestPredicatesOfStates(t *testing.T) {
	for s := range clientState(len(clientStates.names)) {
		phases := 0
		for _, in := range []bool{s == disconnected, s.opening(), s.open()} {
			if in {
				phases++
			}
		}
		if phases != 1 || s.exchanging() && !s.open() {
			t.Errorf("%s is in %d phases", clientStates.names[s], phases)
		}
	}
	for _, table := range [][2]int{
		{len(clientStates.names), len(clientStates.next)}, {len(serverStates.names), len(serverStates.next)},
		{len(messageStates.names), len(messageStates.next)}, {len(exchangeStates.names), len(exchangeStates.next)},
	} {
		if table[0] != table[1] {
			t.Errorf("%d names for %d states", table[0], table[1])
		}
	}
}
