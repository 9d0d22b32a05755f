package evdns_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

// Equal questions are asked once, whoever asks them, and each gets an answer of
// its own, in the order in which they came.
func TestEqualQuestionsAreAskedOnce(t *testing.T) {
	for _, flags := range []evdns.BaseFlags{0, evdns.NoCache} {
		loop, u := newLoop(t), newUpstream(t)
		b := newAnswerer(t, loop, flags, u)
		set(t, b, "timeout", "1000")
		ok(t, b.AddSearch("example"))
		var order []string
		var answers []evdns.Answer
		resolve := func(name string, flags evdns.QueryFlags) {
			_, err := b.ResolveIPv4(name, flags, func(a evdns.Answer, err error) {
				ok(t, err)
				order = append(order, name)
				answers = append(answers, a)
			})
			ok(t, err)
		}
		query := func(name string) {
			_, err := b.Query(name, dns.TypeA, evdns.NoSearch, func(m *dns.Msg, err error) {
				ok(t, err)
				order = append(order, name)
				if got := m.Question[0].Name; got != name+"." || len(m.Answer) != 1 || m.Answer[0].Header().Name != got {
					t.Errorf("%s: %v", name, m)
				}
				m.Answer = nil
			})
			ok(t, err)
		}
		resolve("www.example", 0)
		query("WWW.Example")
		resolve("wwW.example", evdns.NoSearch)
		resolve("www", 0)
		query("www.example")
		infos := getaddrinfo(b, "www.example", "80", hints(syscall.AF_INET, 0))
		dispatch(t, loop)
		infos.want(t, "192.0.2.1:80")
		if want := []string{"www.example", "WWW.Example", "wwW.example", "www", "www.example"}; !slices.Equal(order, want) {
			t.Errorf("answered %q, want %q", order, want)
		}
		for i, a := range answers {
			if !slices.Equal(a.Addrs, []netip.Addr{addr("192.0.2.1")}) {
				t.Errorf("%v", a)
			}
			answers[i].Addrs[0] = netip.Addr{}
		}
		if got := u.questions(); !slices.Equal(got, []string{"www.example"}) {
			t.Errorf("asked for %q", got)
		}
	}
}

// What is asked in another way is asked for itself.
func TestDifferentQuestionsAreAskedEach(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "1000")
	var answers []*answer
	for range 2 { // each of them once
		for _, flags := range []evdns.QueryFlags{0, evdns.UseVC, evdns.IgnoreTC, evdns.UseVC | evdns.IgnoreTC} {
			for _, resolve := range []func(string, evdns.QueryFlags, func(evdns.Answer, error)) (*evdns.Request, error){b.ResolveIPv4, b.ResolveIPv6} {
				for _, name := range []string{"www.example", "xww.example", "www.example.example"} {
					a := new(answer)
					_, err := resolve(name, flags, a.callback)
					ok(t, err)
					answers = append(answers, a)
				}
			}
		}
	}
	dispatch(t, loop)
	for _, a := range answers {
		if a.calls != 1 || a.err != nil || len(a.Addrs) != 1 {
			t.Errorf("%d calls, the last with %v, %v", a.calls, a.Answer, a.err)
		}
	}
	if got := u.questions(); len(got) != 4*2*3 {
		t.Errorf("%d questions: %q", len(got), got)
	}
}

// Whoever is cancelled, in whatever state, the others get the answer, and nothing
// is asked twice; with the last one the query is given up.
func TestCancelOneOfThoseWhoAskTheSame(t *testing.T) {
	const n = 4
	for mask := range 1 << n {
		for _, sent := range []bool{false, true} {
			t.Run(fmt.Sprintf("cancel %04b, sent %t", mask, sent), func(t *testing.T) {
				loop, u := newLoop(t), newUpstream(t)
				b := newResolver(t, loop, u)
				set(t, b, "timeout", "1000")
				held := make(chan *question, n)
				u.does(func(q *question) { held <- q })
				var answers [n]answer
				var requests [n]*evdns.Request
				for i := range requests {
					r, err := b.ResolveIPv4("www.example", 0, answers[i].callback)
					ok(t, err)
					requests[i] = r
				}
				if sent {
					run(t, loop, func() bool { return len(held) == 1 })
				}
				for i, r := range requests {
					if mask>>i&1 != 0 {
						r.Cancel()
						r.Cancel()
					}
				}
				if mask != 1<<n-1 {
					run(t, loop, func() bool { return len(held) == 1 })
					(<-held).good()
				}
				dispatch(t, loop)
				for i := range answers {
					if mask>>i&1 != 0 {
						answers[i].fails(t, evdns.ErrCancel)
					} else {
						answers[i].want(t, "192.0.2.1")
					}
					requests[i].Cancel()
				}
				dispatch(t, loop)
				if got := len(u.questions()); got > 1 {
					t.Errorf("%d questions", got)
				}
			})
		}
	}
}

// Each has its own time.
func TestThoseWhoAskTheSameHaveTheirOwnTime(t *testing.T) {
	for _, test := range []struct {
		name  string
		first string // timeouts
		next  string
	}{
		{"the first has less", "0.02", "1000"},
		{"the next has less", "1000", "0.02"},
	} {
		for _, queued := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, queued %t", test.name, queued), func(t *testing.T) {
				loop, u := newLoop(t), newUpstream(t)
				b := newResolver(t, loop, u)
				set(t, b, "attempts", "1")
				held := make(chan *question, 2)
				u.does(func(q *question) {
					if q.name() == "www.example" {
						held <- q
					}
				})
				var other *evdns.Request
				if queued {
					set(t, b, "timeout", "1000", "max-inflight", "1")
					r, err := b.ResolveIPv4("other.example", 0, func(evdns.Answer, error) {})
					ok(t, err)
					other = r
				}
				set(t, b, "timeout", test.first)
				first := start(t, b, "www.example")
				set(t, b, "timeout", test.next)
				next := start(t, b, "www.example")
				set(t, b, "timeout", "1000") // of the query itself
				short, long := first, next
				if test.first == "1000" {
					short, long = next, first
				}
				run(t, loop, func() bool { return short.calls > 0 })
				short.fails(t, evdns.ErrTimeout)
				if long.calls != 0 {
					t.Fatalf("%v", long.err)
				}
				if queued {
					other.Cancel()
				}
				run(t, loop, func() bool { return len(held) == 1 })
				(<-held).good()
				dispatch(t, loop)
				long.want(t, "192.0.2.1")
				if n := strings.Count(fmt.Sprint(u.questions()), "www.example"); n != 1 {
					t.Errorf("asked for %q", u.questions())
				}
			})
		}
	}
}

// What has come of the question is for all; from there each goes on by itself.
func TestErrorsAreForAllWhoAskTheSame(t *testing.T) {
	for _, test := range []struct {
		name  string
		does  func(*question)
		err   error
		goOn  bool // with a search
		asked []string
	}{
		{"no such name", complains(dns.RcodeNameError), evdns.ErrNotExist, true, []string{"www.a", "www.b"}},
		{"no data", func(q *question) { q.send(q.reply(0)) }, evdns.ErrNoData, true, []string{"www.a", "www.b"}},
		{"refusal", complains(dns.RcodeRefused), evdns.ErrRefused, true, []string{"www.a", "www.b"}},
		{"truncation", truncates, evdns.ErrTruncated, true, []string{"www.a", "www.b"}},
		{"failure", complains(dns.RcodeServerFailure), evdns.ErrServerFailed, false, []string{"www.a", "www.a", "www.a"}},
		{"silence", nil, evdns.ErrTimeout, false, []string{"www.a", "www.a", "www.a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "timeout", "1000", "max-timeouts", "255", "ignore-tc", "")
			if test.does == nil {
				test.does = expires(loop, b)
			}
			ok(t, b.AddSearch("b"))
			ok(t, b.AddSearch("a"))
			set(t, b, "ndots", "2")
			u.does(func(q *question) {
				if q.name() == "www.a" {
					test.does(q)
				} else {
					q.good()
				}
			})
			var searching, plain []*answer
			for range 3 {
				searching = append(searching, start(t, b, "www"))
				a := new(answer)
				_, err := b.ResolveIPv4("www.a", evdns.NoSearch, a.callback)
				ok(t, err)
				plain = append(plain, a)
			}
			dispatch(t, loop)
			for _, a := range plain {
				a.fails(t, test.err)
				if a.err != nil && !strings.Contains(a.err.Error(), u.addr.String()) {
					t.Errorf("%v does not name the nameserver", a.err)
				}
			}
			for _, a := range searching {
				if test.goOn {
					a.want(t, "192.0.2.1")
				} else {
					a.fails(t, test.err)
				}
			}
			if got := u.questions(); !slices.Equal(got, test.asked) {
				t.Errorf("asked for %q, want %q", got, test.asked)
			}
		})
	}
}

// Suspending and freeing a resolver is for all who ask the same, also when the
// first of them was cancelled.
func TestSuspendAndFreeWithEqualQuestions(t *testing.T) {
	for _, sent := range []bool{false, true} {
		for _, end := range []string{"resume", "free", "free and tell"} {
			for _, cancel := range []bool{false, true} {
				t.Run(fmt.Sprintf("sent %t, %s, cancel %t", sent, end, cancel), func(t *testing.T) {
					loop, u := newLoop(t), newUpstream(t)
					b := newResolver(t, loop, u)
					set(t, b, "timeout", "1000")
					u.does(silent)
					var answers []*answer
					var first *evdns.Request
					for range 3 {
						a := new(answer)
						r, err := b.ResolveIPv4("www.example", 0, a.callback)
						ok(t, err)
						if first == nil {
							first = r
						}
						answers = append(answers, a)
					}
					if sent {
						run(t, loop, func() bool { return len(u.questions()) == 1 })
					}
					if cancel {
						first.Cancel()
						callDue(t, loop)
						answers[0].fails(t, evdns.ErrCancel)
						answers = answers[1:]
					}
					switch end {
					case "resume":
						b.ClearNameserversAndSuspend()
						other := newUpstream(t)
						ok(t, b.AddNameserver(other.addr))
						b.Resume()
						dispatch(t, loop)
						for _, a := range answers {
							a.want(t, "192.0.2.1")
						}
					default:
						b.Free(end == "free and tell")
						dispatch(t, loop)
						for _, a := range answers {
							if end == "free" && a.calls == 0 {
								continue
							}
							a.fails(t, evdns.ErrShutdown)
						}
					}
				})
			}
		}
	}
}

// callDue makes calls that are due.
func callDue(t *testing.T, loop *event.Base) {
	t.Helper()
	_, err := loop.Loop(event.LoopNonblock)
	ok(t, err)
}

// Those that have joined others count where there is a limit.
func TestTooManyAskTheSame(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "1000", "max-waiting", "5", "max-inflight", "1")
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		_, err = b.ResolveIPv4("www.example", 0, func(evdns.Answer, error) {})
	}
	if !errors.Is(err, evdns.ErrTooMany) || n > 8 {
		t.Errorf("%d lookups, then %v", n, err)
	}
	dispatch(t, loop)
}
