package evdns

import (
	"log/slog"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// newIdle returns a resolver for which nothing is sent.
func newIdle(t *testing.T, nameservers ...string) (*event.Base, *Base) {
	t.Helper()
	loop, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loop.Free)
	b, err := NewBase(loop, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Free(false) })
	dnstest.LogTo(t, slog.DiscardHandler)
	for _, s := range nameservers {
		if err := b.AddNameserverString(s); err != nil {
			t.Fatal(err)
		}
	}
	return loop, b
}

// The pauses between probes grow from one to the next, until the nameserver
// answers.
func TestPausesBetweenProbesGrow(t *testing.T) {
	loop, b := newIdle(t, "127.0.0.1")
	b.config.InitialProbe, b.config.MaxProbe, b.config.ProbeBackoff = 10*time.Second, 100*time.Second, 3
	s := b.servers.list[0]
	ran := false
	err := loop.Post(func() { // where the clock stands still
		ran = true
		for range 2 {
			s.markDown("a test says so")
			for _, want := range []time.Duration{10 * time.Second, 30 * time.Second, 90 * time.Second, 100 * time.Second, 100 * time.Second} {
				if pause := s.probeAt - b.now(); pause != want {
					t.Errorf("a pause of %v, want %v", pause, want)
				}
				s.probeFailed("a test says so")
			}
			s.noteAnswer(&Request{via: new(channel)})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Loop(event.LoopOnce); err != nil || !ran {
		t.Errorf("ran: %t, %v", ran, err)
	}
}

// Nameservers that answer about equally fast are asked in turn, slower ones
// rarely: so often that it is noticed when they have become fast.
func TestNameserversAreOrderedByTheirDelay(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name   string
		delays []time.Duration
		least  []int // of 1000 lookups
		most   []int
	}{
		{"equal", []time.Duration{10 * ms, 10 * ms, 10 * ms}, []int{333, 333, 333}, []int{334, 334, 334}},
		{"unknown", []time.Duration{0, 0}, []int{500, 500}, []int{500, 500}},
		{"about equal", []time.Duration{0, 20 * ms}, []int{500, 500}, []int{500, 500}},
		{"twice as slow", []time.Duration{100 * ms, 200 * ms}, []int{500, 500}, []int{500, 500}},
		{"slow", []time.Duration{ms, 500 * ms}, []int{900, 1}, []int{999, 100}},
		{"two are slow", []time.Duration{900 * ms, 2 * ms, 800 * ms}, []int{1, 900, 1}, []int{50, 998, 50}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, b := newIdle(t, "127.0.0.1", "127.0.0.2", "127.0.0.3")
			b.servers.list = b.servers.list[:len(test.delays)]
			for i, d := range test.delays {
				b.servers.list[i].rtt = d
			}
			got := map[*nameserver]int{}
			for range 1000 {
				r := &Request{base: b}
				s := b.pick(r)
				got[s]++
				for i, other := range b.servers.list {
					if s == other { // it is still as fast as before
						r.via = &channel{lastAnswer: test.delays[i]}
						s.noteAnswer(r)
					}
				}
			}
			for i, s := range b.servers.list {
				if got[s] < test.least[i] || got[s] > test.most[i] {
					t.Errorf("nameserver %d was asked %d times, want %d to %d", i, got[s], test.least[i], test.most[i])
				}
			}
		})
	}
}

// A retry goes first to nameservers that are not known to be bad and were not
// asked before.
func TestOrderOfRetries(t *testing.T) {
	const up, doubted, down = 0, 1, 2
	for _, test := range []struct {
		name     string
		states   []int
		attempts int
		want     string // numbers of nameservers
	}{
		{"one", []int{up}, 3, "000"},
		{"one down", []int{down}, 3, "000"},
		{"two", []int{up, up}, 3, "010"},
		{"two, five attempts", []int{up, up}, 5, "01010"},
		{"more than attempts", []int{up, up, up, up}, 2, "0123"},
		{"the doubted one last", []int{doubted, up, up}, 3, "120"},
		{"one is down", []int{down, up, up}, 3, "1210"},
		{"all but one are down", []int{down, down, up}, 3, "22201"},
		{"all are down", []int{down, down}, 3, "010"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, b := newIdle(t)
			b.config.Attempts = test.attempts
			for i, state := range test.states {
				b.servers.list = append(b.servers.list, &nameserver{base: b, up: state != down, suspect: state == doubted, probeFailures: i})
			}
			b.config.MaxTimeouts = 255
			r, got := &Request{base: b}, ""
			for s := b.pick(r); s != nil; s = b.pick(r) {
				got += string(rune('0' + s.probeFailures))
				r.noteAttempt(s)
			}
			b.servers.list = nil
			if got != test.want {
				t.Errorf("sent to %s, want %s", got, test.want)
			}
		})
	}
}

// The time in which the loop does not run does not count: requests whose limits
// have passed meanwhile are sent again, and only end if they do in time.
func TestTheTimeOfAStoppedLoopDoesNotCount(t *testing.T) {
	for _, late := range []bool{false, true} {
		loop, b := newIdle(t, "127.0.0.1", "127.0.0.2")
		b.config.MaxInflight = 1
		var requests []*Request
		for _, name := range []string{"a.example", "b.example", "a.example"} { // sent, waiting, joined
			r, err := b.ResolveIPv4(name, 0, func(Answer, error) {})
			if err != nil {
				t.Fatal(err)
			}
			requests = append(requests, r)
		}
		ran := false
		err := loop.Post(func() {
			ran = true
			b.EndIteration()
			stop := b.limit() - b.now()
			for _, r := range requests {
				r.sentAt, r.deadline, r.limit = r.sentAt-stop, r.deadline-stop, r.limit-stop
			}
			if late {
				b.schedule.timerAt -= stop
			} else {
				b.schedule.timerAt = b.now()
			}
			b.onTimer(nil, 0)
			for i, r := range requests {
				if ended := r.state == stateEnded; ended == late {
					t.Errorf("late %t: request %d has ended: %t", late, i, ended)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := loop.Loop(event.LoopOnce); err != nil || !ran {
			t.Errorf("ran: %t, %v", ran, err)
		}
		b.Free(false)
	}
}

// One slow answer is an accident, some in a row are not.
func TestDelaysOfNameservers(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name string
		took []time.Duration
		slow bool
	}{
		{"one slow answer", []time.Duration{ms, ms, 10 * time.Second, ms, ms}, false},
		{"slow from the start", []time.Duration{500 * ms, 500 * ms, 500 * ms, 500 * ms, 500 * ms}, true},
		{"becomes slow", []time.Duration{ms, ms, 200 * ms, 200 * ms, 200 * ms, 200 * ms, 200 * ms}, true},
		{"becomes fast", []time.Duration{200 * ms, 200 * ms, 200 * ms, 200 * ms, 200 * ms, ms, ms, ms}, false},
	} {
		s := new(nameserver)
		for _, d := range test.took {
			s.updateRTT(&Request{via: &channel{lastAnswer: d}})
		}
		if slow := s.rtt > rttSlack; slow != test.slow {
			t.Errorf("%s: a delay of %v", test.name, s.rtt)
		}
	}
}
