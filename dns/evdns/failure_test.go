package evdns_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

func TestNoNameserverAnswers(t *testing.T) {
	for _, attempts := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d attempts", attempts), func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "timeout", "0.01", "attempts", fmt.Sprint(attempts))
			u.does(silent)
			a := lookup(t, loop, b, "www.example.com")
			a.fails(t, evdns.ErrTimeout)
			if want := "no answer in time"; !strings.HasSuffix(a.err.Error(), want) {
				t.Errorf("%v", a.err)
			}
			if timeout, ok := a.err.(interface{ Timeout() bool }); !ok || !timeout.Timeout() {
				t.Error("the error is no timeout")
			}
			u.stop() // so that all that was sent has been received
			if got := len(u.questions()); got > attempts {
				t.Errorf("asked %d times, want %d", got, attempts)
			}
		})
	}
}

func TestLateAnswerToAnEarlierQuery(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20")
	var first *question
	u.does(func(q *question) {
		if first == nil {
			first = q
			expires(loop, b)(q)
			return
		}
		first.good()
	})
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
}

// A nameserver that was silent once is not trusted with lookups while there are
// others, but probed until it is down.
func TestTheOthersStepIn(t *testing.T) {
	loop := newLoop(t)
	one, dead, other := newUpstream(t), newUpstream(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.NoCache, dead, one, other)
	set(t, b, "timeout", "20", "max-timeouts", "3", "initial-probe-timeout", "3600")
	log := watch(t)
	dead.does(expires(loop, b))
	first := start(t, b, "n0.example.com")
	run(t, loop, func() bool { return first.calls == 1 && log.count("nameserver has failed") == 1 })
	first.want(t, "192.0.2.1")
	for i := range 29 {
		a := new(answer)
		_, err := b.ResolveIPv4(fmt.Sprintf("n%d.example.com", i+1), 0, func(ans evdns.Answer, err error) {
			a.callback(ans, err)
			loop.LoopExit(0)
		})
		ok(t, err)
		dispatch(t, loop)
		a.want(t, "192.0.2.1")
	}
	if got := dead.questions(); !slices.Equal(got, []string{"n0.example.com", "", ""}) {
		t.Errorf("the dead one was asked for %q", got)
	}
	if n, m := len(one.questions()), len(other.questions()); n < 14 || m < 14 {
		t.Errorf("the others were asked %d and %d times", n, m)
	}
	if got := log.lines("nameserver"); !slices.Equal(got, []string{"evdns: nameserver has failed"}) {
		t.Errorf("log: %q", got)
	}
}

// Only silence without an answer in between takes a nameserver for down.
func TestAnswersBetweenSilence(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20", "max-timeouts", "2")
	log := watch(t)
	u.does(func(q *question) {
		if q.number%2 == 1 {
			expires(loop, b)(q)
		} else {
			q.good()
		}
	})
	for range 5 {
		lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
	}
	if n := log.count("nameserver has failed"); n != 0 {
		t.Errorf("log: %q", log.lines(""))
	}
}

func TestAllNameserversAreDown(t *testing.T) {
	loop := newLoop(t)
	one, other := newUpstream(t), newUpstream(t)
	b := newResolver(t, loop, one, other)
	set(t, b, "timeout", "0.01", "max-timeouts", "1", "attempts", "2", "initial-probe-timeout", "3600")
	log := watch(t)
	one.does(silent)
	other.does(silent)
	lookup(t, loop, b, "a.example").fails(t, evdns.ErrTimeout)
	if log.count("all nameservers have failed") != 1 {
		t.Fatalf("%q", log.lines(""))
	}
	// They are asked all the same, and a good answer makes the one that gives it
	// good again.
	one.does((*question).good)
	other.does((*question).good)
	set(t, b, "timeout", "20")
	lookup(t, loop, b, "b.example").want(t, "192.0.2.1")
	if log.count("nameserver is back up") != 1 {
		t.Errorf("%q", log.lines(""))
	}
	before := len(one.questions()) + len(other.questions())
	for range 10 {
		lookup(t, loop, b, "c.example").want(t, "192.0.2.1")
	}
	if n := len(one.questions()) + len(other.questions()); n != before+10 {
		t.Errorf("%d questions", n)
	}
}

// A nameserver that is down is probed until it answers.
func TestProbesBringANameserverBack(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(*question) // what the nameserver does while it is not well, or nil: nothing
	}{
		{"silent", nil},
		{"refuses", complains(dns.RcodeRefused)},
		{"fails", complains(dns.RcodeServerFailure)},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop := newLoop(t)
			sick, well := newUpstream(t), newUpstream(t)
			b := newResolverWith(t, loop, evdns.NoCache, sick, well)
			if c.fail == nil {
				c.fail = expires(loop, b)
			}
			set(t, b, "timeout", "20", "max-timeouts", "1",
				"initial-probe-timeout", "0.005", "probe-backoff-factor", "1")
			log := watch(t)
			sick.does(func(q *question) {
				if q.number == 1 {
					q.good() // so that there is something to be asked again
				} else {
					c.fail(q)
				}
			})
			finish := func(evdns.Answer, error) { loop.LoopExit(0) }
			for i := range 4 { // until each was asked twice
				_, err := b.ResolveIPv4(fmt.Sprintf("n%d.example", i), 0, finish)
				ok(t, err)
				dispatch(t, loop)
			}
			if log.count("nameserver has failed") != 1 {
				t.Fatalf("log: %q", log.lines(""))
			}
			log.on("probe", 3, func() { sick.does((*question).good) })
			log.on("nameserver is back up", 1, func() { loop.LoopExit(0) })
			dispatch(t, loop)
			asked := sick.questions()
			if last := asked[len(asked)-1]; last != asked[0] {
				t.Errorf("the last probe has asked for %s, want %s, of %q", last, asked[0], asked)
			}
			if log.count("probe") < 3 {
				t.Errorf("log: %q", log.lines(""))
			}
		})
	}
}

// Without anything that a nameserver is known to know, it is asked for the root.
func TestProbeOfAnUnknownNameserver(t *testing.T) {
	loop := newLoop(t)
	sick, well := newUpstream(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.NoCache, sick, well)
	set(t, b, "timeout", "20", "initial-probe-timeout", "0.005")
	log := watch(t)
	sick.does(complains(dns.RcodeRefused))
	_, err := b.ResolveIPv4("a.example", 0, func(evdns.Answer, error) {
		sick.does((*question).good)
	})
	ok(t, err)
	log.on("nameserver is back up", 1, func() { loop.LoopExit(0) })
	dispatch(t, loop)
	if got := sick.questions(); got[len(got)-1] != "" {
		t.Errorf("asked for %q", got)
	}
}

// A nameserver that answers somebody is not probed any more.
func TestAnswerDuringAProbe(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "1000", "max-timeouts", "1", "initial-probe-timeout", "0.001")
	var held *question
	u.does(func(q *question) {
		switch {
		case q.name() == "": // the probe
			held.good()
		case held == nil && q.number > 1:
			held = q
		default:
			expires(loop, b)(q)
		}
	})
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1") // and the loop ends
}

// The last thing that has gone wrong is the error.
func TestSilenceAfterAComplaint(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20", "attempts", "2")
	u.does(func(q *question) {
		if q.number == 1 {
			complains(dns.RcodeServerFailure)(q)
		} else {
			expires(loop, b)(q)
		}
	})
	lookup(t, loop, b, "www.example.com").fails(t, evdns.ErrTimeout)
}

// Where everything goes over TCP, probes do, too.
func TestProbesOverTCP(t *testing.T) {
	loop := newLoop(t)
	sick, well := newUpstream(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.NoCache, sick, well)
	set(t, b, "timeout", "20", "use-vc", "", "initial-probe-timeout", "0.005")
	log := watch(t)
	sick.does(complains(dns.RcodeRefused))
	_, err := b.ResolveIPv4("a.example", 0, func(evdns.Answer, error) {
		sick.does(func(q *question) {
			if q.stream == nil {
				t.Error("probe over UDP")
			}
			q.good()
		})
	})
	ok(t, err)
	log.on("nameserver is back up", 1, func() { loop.LoopExit(0) })
	dispatch(t, loop)
}

// A resolver that may let the loop end does not probe while it has nothing to do.
func TestProbesDoNotKeepTheLoop(t *testing.T) {
	loop := newLoop(t)
	sick, well := newUpstream(t), newUpstream(t)
	b := newResolver(t, loop, sick, well)
	set(t, b, "timeout", "20", "initial-probe-timeout", "0.001", "probe-backoff-factor", "1")
	log := watch(t)
	sick.does(complains(dns.RcodeRefused))
	lookup(t, loop, b, "a.example").want(t, "192.0.2.1") // and the loop ends
	sick.does((*question).good)
	// While something is looked up, they go on.
	var held *question
	up := false
	answerThen := func() {
		if up && held != nil {
			held.good()
		}
	}
	log.on("nameserver is back up", 1, func() { up = true; answerThen() })
	well.does(func(q *question) {
		ok(t, loop.Post(func() { held = q; answerThen() }))
	})
	lookup(t, loop, b, "b.example").want(t, "192.0.2.1")
}

func TestComplaints(t *testing.T) {
	for _, c := range []struct {
		name    string
		rcode   int
		servers int
		err     error // or nil: the others answer
		asked   int   // how often the nameserver that complains is
	}{
		{"failure, one nameserver", dns.RcodeServerFailure, 1, evdns.ErrServerFailed, 3},
		{"failure, two nameservers", dns.RcodeServerFailure, 2, nil, 1},
		{"refusal, one nameserver", dns.RcodeRefused, 1, evdns.ErrRefused, 1},
		{"refusal, two nameservers", dns.RcodeRefused, 2, nil, 1},
		{"not implemented, one nameserver", dns.RcodeNotImplemented, 1, evdns.ErrNotImpl, 1},
		{"not implemented, two nameservers", dns.RcodeNotImplemented, 2, nil, 1},
	} {
		for _, header := range []bool{false, true} {
			name := c.name
			if header {
				name += ", without the question"
			}
			t.Run(name, func(t *testing.T) {
				loop := newLoop(t)
				bad := newUpstream(t)
				b := newResolver(t, loop, bad)
				if c.servers == 2 {
					ok(t, b.AddNameserver(newUpstream(t).addr))
				}
				set(t, b, "timeout", "20")
				bad.does(func(q *question) {
					m := q.reply(c.rcode)
					if header {
						m.Question = nil
					}
					q.send(m)
				})
				a := lookup(t, loop, b, "www.example.com")
				if c.err == nil {
					a.want(t, "192.0.2.1")
				} else {
					a.fails(t, c.err)
				}
				if n := len(bad.questions()); n != c.asked {
					t.Errorf("asked %d times, want %d", n, c.asked)
				}
			})
		}
	}
}

func TestAllRefuse(t *testing.T) {
	loop := newLoop(t)
	servers := []*upstream{newUpstream(t), newUpstream(t), newUpstream(t)}
	b := newResolver(t, loop, servers...)
	n := 0
	for _, u := range servers {
		u.does(complains(dns.RcodeRefused))
	}
	lookup(t, loop, b, "www.example.com").fails(t, evdns.ErrRefused)
	for _, u := range servers {
		n += len(u.questions())
	}
	if n != len(servers) { // the last one may be the one that does not refuse
		t.Errorf("%d questions", n)
	}
}

func TestNameserverThatDoesNotKnowEDNS(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "edns-udp-size", "1232", "timeout", "20", "attempts", "2")
	u.does(func(q *question) {
		if opt := q.msg.IsEdns0(); opt != nil {
			if opt.UDPSize() != 1232 {
				t.Errorf("UDP size %d", opt.UDPSize())
			}
			q.send(q.reply(dns.RcodeFormatError))
			return
		}
		if q.number == 2 { // to have learnt it has cost no attempt
			expires(loop, b)(q)
			return
		}
		q.good()
	})
	for range 3 {
		lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
	}
	if n := len(u.questions()); n != 5 {
		t.Errorf("%d questions, want 5", n)
	}
}

// A logbook notes what a resolver logs.
type logbook struct {
	mu       sync.Mutex
	messages []string
	due      []appointment
}

type appointment struct {
	text string
	n    int
	do   func()
}

func watch(t testing.TB) *logbook {
	l := new(logbook)
	dnstest.LogTo(t, slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return l
}

// Write implements io.Writer.
func (l *logbook) Write(p []byte) (int, error) {
	line := string(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, msg, ok := strings.Cut(line, `msg="`); ok {
		line, _, _ = strings.Cut(msg, `"`)
	}
	l.messages = append(l.messages, line)
	for i := range l.due {
		d := &l.due[i]
		if strings.Contains(line, d.text) {
			if d.n--; d.n == 0 {
				d.do()
			}
		}
	}
	return len(p), nil
}

// on has do called when a message has come n more times.
func (l *logbook) on(text string, n int, do func()) {
	l.mu.Lock()
	l.due = append(l.due, appointment{text, n, do})
	l.mu.Unlock()
}

func (l *logbook) lines(text string) (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.messages {
		if strings.Contains(m, text) {
			list = append(list, m)
		}
	}
	return list
}

func (l *logbook) count(text string) int { return len(l.lines(text)) }
