package simulation_test

import (
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/evtest"
)

// A mood is how a nameserver behaves. The zero mood answers everything truly, at once.
type mood struct {
	silent      float64       // rate of queries without an answer
	delay       time.Duration // of answers, at most
	late        time.Duration // added to that
	closed      bool          // nobody listens for UDP
	twice       bool          // answers come twice
	rcode       int           // of all answers, if it is not 0
	truncate    bool          // answers by UDP have nothing but TC
	truncateTCP bool          // answers over TCP have TC, with or without their records
	fold        bool          // names in answers are in lower case
	edns        ednsMood
	malformed   float64 // rate of answers that end too early
	forge       float64 // rate of queries to which somebody else answers first
	referral    bool    // it names another nameserver instead of answering
	tcp         tcpMood
}

type ednsMood int

const (
	ednsKnown ednsMood = iota
	ednsDropped
	ednsFormErr
	ednsNotImpl
	ednsBadVers
	ednsLost // answers have no OPT record
	ednsMoods
)

type tcpMood int

const (
	tcpServed tcpMood = iota
	tcpClosed         // as soon as it is accepted
	tcpSilent
	tcpHalf   // closed within an answer
	tcpOne    // closed after the first answer
	tcpReset  // instead of an answer
	tcpPieces // a few bytes at a time
	tcpShuffled
	tcpMoods
)

// good reports whether a resolver gets its answers.
func (m mood) good() bool {
	return m.silent == 0 && m.late == 0 && !m.closed && m.rcode == 0 && m.malformed == 0 && !m.referral && m.knowsEDNS()
}

// knowsEDNS reports whether queries with EDNS are answered as those without.
func (m mood) knowsEDNS() bool { return m.edns == ednsKnown || m.edns == ednsLost }

func (m mood) goodTCP() bool {
	return !m.truncateTCP && (m.tcp == tcpServed || m.tcp == tcpPieces || m.tcp == tcpShuffled)
}

// drawMood draws a mood. About a half of them are good ones.
func drawMood(w *evtest.World) (m mood) {
	r := w.Rand()
	if r.IntN(4) == 0 {
		return m
	}
	if r.IntN(2) == 0 {
		m.delay = time.Duration(r.IntN(1000)) * time.Millisecond
	}
	switch r.IntN(12) {
	case 0:
		m.silent = 1
	case 1:
		m.silent = r.Float64()
	case 2:
		m.rcode = []int{dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeServerFailure, dns.RcodeNotImplemented,
			dns.RcodeRefused, dns.RcodeNotZone}[r.IntN(6)]
	case 3:
		m.malformed = r.Float64()
	case 4:
		m.edns = ednsMood(r.IntN(int(ednsMoods)))
	case 5:
		m.referral = true
	case 6:
		m.delay = time.Duration(r.IntN(8000)) * time.Millisecond
	}
	m.truncate = r.IntN(8) == 0
	m.truncateTCP = r.IntN(8) == 0
	m.fold = r.IntN(8) == 0
	m.twice = r.IntN(8) == 0
	if r.IntN(4) == 0 {
		m.forge = r.Float64()
	}
	if r.IntN(3) == 0 {
		m.tcp = tcpMood(r.IntN(int(tcpMoods)))
	}
	return m
}
