package evdns_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// A reply is what the callback of a query was told.
type reply struct {
	msg   *dns.Msg
	err   error
	calls int
}

func (r *reply) callback(m *dns.Msg, err error) {
	r.calls++
	r.msg, r.err = m, err
}

// ask asks a question in some way, and runs the loop until it has nothing to do.
func ask(t testing.TB, loop *event.Base, b *evdns.Base, name string, cfg evdns.QueryConfig) *reply {
	t.Helper()
	r := new(reply)
	_, err := b.QueryWith(name, dns.TypeTXT, cfg, r.callback)
	ok(t, err)
	dispatch(t, loop)
	dnstest.Equal(t, "calls", r.calls, 1)
	return r
}

// What a query says is in its message, and nothing else.
func TestQueriesSayHowToAsk(t *testing.T) {
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "24a5ac1122334455"}
	nsid := &dns.EDNS0_NSID{Code: dns.EDNS0NSID}
	for _, tt := range []struct {
		name    string
		cfg     evdns.QueryConfig
		bits    string
		class   uint16
		size    uint16 // of EDNS, or 0 for none
		do      bool
		options int
	}{
		{"nothing", evdns.QueryConfig{}, " rd", dns.ClassINET, 0, false, 0},
		{"DO", evdns.QueryConfig{DNSSEC: true}, " rd", dns.ClassINET, 1232, true, 0},
		{"CD", evdns.QueryConfig{CheckingDisabled: true}, " rd cd", dns.ClassINET, 0, false, 0},
		{"AD", evdns.QueryConfig{AuthenticatedData: true}, " rd ad", dns.ClassINET, 0, false, 0},
		{"class", evdns.QueryConfig{Class: dns.ClassCHAOS}, " rd", dns.ClassCHAOS, 0, false, 0},
		{"options", evdns.QueryConfig{Options: []dns.EDNS0{cookie, nsid}}, " rd", dns.ClassINET, 1232, false, 2},
		{"all", evdns.QueryConfig{Flags: evdns.UseVC, DNSSEC: true, CheckingDisabled: true, AuthenticatedData: true, Class: dns.ClassCHAOS, Options: []dns.EDNS0{nsid}},
			" rd ad cd", dns.ClassCHAOS, 1232, true, 1},
	} {
		for _, udpSize := range []string{"512", "4000"} {
			t.Run(tt.name+" "+udpSize, func(t *testing.T) {
				loop, u := newLoop(t), newUpstream(t)
				b := newResolver(t, loop, u)
				set(t, b, "edns-udp-size", udpSize)
				size := tt.size
				if udpSize == "4000" {
					size = 4000
				}
				u.does(func(q *question) {
					if got := bits(q.msg); got != tt.bits {
						t.Errorf("bits %q, want %q", got, tt.bits)
					}
					dnstest.Equal(t, "class", q.msg.Question[0].Qclass, tt.class)
					opt := q.msg.IsEdns0()
					if opt == nil {
						opt = new(dns.OPT)
					}
					dnstest.Equal(t, "size", opt.UDPSize(), size)
					dnstest.Equal(t, "DO", size > 0 && opt.Do(), tt.do)
					dnstest.Equal(t, "options", len(opt.Option), tt.options)
					dnstest.Equal(t, "TCP", q.stream != nil, tt.cfg.Flags&evdns.UseVC != 0)
					m := q.reply(0, &dns.TXT{Hdr: dns.RR_Header{Name: q.msg.Question[0].Name, Rrtype: dns.TypeTXT, Class: tt.class, Ttl: 60}, Txt: []string{"x"}})
					m.AuthenticatedData = true
					q.send(m)
				})
				r := ask(t, loop, b, "www.example", tt.cfg)
				ok(t, r.err)
				dnstest.Equal(t, "answers", len(r.msg.Answer), 1)
				dnstest.Equal(t, "AD", r.msg.AuthenticatedData, tt.cfg.AuthenticatedData)
				dnstest.Equal(t, "question", r.msg.Question[0], dns.Question{Name: "www.example.", Qtype: dns.TypeTXT, Qclass: tt.class})
			})
		}
	}
}

// Equal questions that are asked in the same way are answered from memory, others are
// not.
func TestAnswersAreRememberedByHowTheyWereAskedFor(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newAnswerer(t, loop, 0, u)
	asked := 0
	for _, tt := range []struct {
		cfg        evdns.QueryConfig
		remembered bool
	}{
		{evdns.QueryConfig{}, true},
		{evdns.QueryConfig{DNSSEC: true}, true},
		{evdns.QueryConfig{CheckingDisabled: true}, true},
		{evdns.QueryConfig{AuthenticatedData: true}, true},
		{evdns.QueryConfig{DNSSEC: true, CheckingDisabled: true}, true},
		{evdns.QueryConfig{Class: dns.ClassCHAOS}, false},
		{evdns.QueryConfig{Nameserver: u.addr}, false},
		{evdns.QueryConfig{Options: []dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID}}}, false},
	} {
		for range 2 {
			ok(t, ask(t, loop, b, "www.example", tt.cfg).err)
		}
		asked++
		if !tt.remembered {
			asked++
		}
		dnstest.Equal(t, "questions", len(u.questions()), asked)
	}
	ok(t, ask(t, loop, b, "www.example", evdns.QueryConfig{Class: dns.ClassINET, Timeout: time.Hour}).err)
	dnstest.Equal(t, "questions", len(u.questions()), asked) // as the first
}

// Questions under way at the same time are one only if they are asked in the same way.
func TestQuestionsInOtherWaysAreOthers(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	const n = 4
	var replies [n]reply
	for i, cfg := range [n]evdns.QueryConfig{{}, {DNSSEC: true}, {CheckingDisabled: true}, {Class: dns.ClassCHAOS}} {
		_, err := b.QueryWith("www.example", dns.TypeTXT, cfg, replies[i].callback)
		ok(t, err)
	}
	dispatch(t, loop)
	for i := range replies {
		ok(t, replies[i].err)
	}
	dnstest.Equal(t, "questions", len(u.questions()), n)
}

func TestQueriesEndInTime(t *testing.T) {
	for _, flags := range []evdns.QueryFlags{evdns.NoSearch, 0} {
		loop, u := newLoop(t), newUpstream(t)
		u.does(silent)
		b := newResolver(t, loop, u)
		ok(t, b.AddSearch("search.example"))
		set(t, b, "timeout", "1000")
		r := ask(t, loop, b, "www", evdns.QueryConfig{Flags: flags, Timeout: time.Millisecond})
		is(t, "error", r.err, evdns.ErrTimeout)
		// The time counts from the start, also for those that wait for others.
		set(t, b, "max-inflight", "1")
		var first, second reply
		_, err := b.QueryWith("first", dns.TypeTXT, evdns.QueryConfig{Timeout: 2 * time.Millisecond}, first.callback)
		ok(t, err)
		_, err = b.QueryWith("second", dns.TypeTXT, evdns.QueryConfig{Timeout: time.Millisecond}, second.callback)
		ok(t, err)
		dispatch(t, loop)
		is(t, "first", first.err, evdns.ErrTimeout)
		is(t, "second", second.err, evdns.ErrTimeout)
	}
}

// A query goes to the nameserver that it names, one of the resolver's or another one, by
// whatever way.
func TestQueriesNameTheirNameserver(t *testing.T) {
	for _, tt := range []struct {
		name   string
		flags  evdns.QueryFlags
		script func(*question)
		asked  int
	}{
		{"UDP", 0, (*question).good, 1},
		{"TCP", evdns.UseVC, (*question).good, 1},
		{"truncated", 0, truncates, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loop := newLoop(t)
			one, two, guest := newUpstream(t), newUpstream(t), newUpstream(t)
			b := newResolver(t, loop, one, two)
			set(t, b, "timeout", "20")
			for _, u := range []*upstream{one, two, guest} {
				u.does(tt.script)
				for i := range 3 {
					r := ask(t, loop, b, "www.example", evdns.QueryConfig{Flags: tt.flags, Nameserver: u.addr})
					ok(t, r.err)
					dnstest.Equal(t, "questions", len(u.questions()), tt.asked*(i+1))
				}
			}
			dnstest.Equal(t, "nameservers", b.CountNameservers(), 2)
			before := len(guest.questions())
			for range 4 {
				lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
			}
			dnstest.Equal(t, "questions for the guest", len(guest.questions()), before)
		})
	}
}

// A resolver without nameservers can ask those that queries name, and no others.
func TestQueriesNameANameserverWhereThereIsNone(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop)
	var named, other reply
	_, err := b.QueryWith("a.example", dns.TypeTXT, evdns.QueryConfig{}, other.callback)
	ok(t, err)
	_, err = b.QueryWith("www.example", dns.TypeTXT, evdns.QueryConfig{Nameserver: u.addr}, named.callback)
	ok(t, err)
	dispatch(t, loop)
	ok(t, named.err)
	is(t, "without a nameserver", other.err, evdns.ErrNoNameservers)
}

// The nameserver that is named is asked as often as others, and none in its place.
func TestNamedNameserverThatIsSilentOrRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		script func(*event.Base, *evdns.Base) func(*question)
		err    error
		asked  int
	}{
		"silent":  {expires, evdns.ErrTimeout, 3},
		"refuses": {func(*event.Base, *evdns.Base) func(*question) { return complains(dns.RcodeRefused) }, evdns.ErrRefused, 1},
		"fails":   {func(*event.Base, *evdns.Base) func(*question) { return complains(dns.RcodeServerFailure) }, evdns.ErrServerFailed, 3},
	} {
		t.Run(name, func(t *testing.T) {
			loop, good, bad := newLoop(t), newUpstream(t), newUpstream(t)
			b := newResolver(t, loop, good)
			set(t, b, "timeout", "20")
			bad.does(tt.script(loop, b))
			for i := range 2 {
				r := ask(t, loop, b, "www.example", evdns.QueryConfig{Nameserver: bad.addr})
				is(t, "error", r.err, tt.err)
				dnstest.Equal(t, "questions", len(bad.questions()), tt.asked*(i+1))
			}
			dnstest.Equal(t, "questions elsewhere", len(good.questions()), 0)
		})
	}
}

// A query to a nameserver of its own can be cancelled, or freed with its resolver, like
// any other.
func TestQueriesWithANameserverEndEarly(t *testing.T) {
	for name, end := range map[string]func(*evdns.Base, *evdns.Request){
		"cancel":  func(_ *evdns.Base, r *evdns.Request) { r.Cancel() },
		"free":    func(b *evdns.Base, _ *evdns.Request) { b.Free(true) },
		"suspend": func(b *evdns.Base, _ *evdns.Request) { b.ClearNameserversAndSuspend(); b.Resume() },
	} {
		t.Run(name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop)
			var r reply
			request, err := b.QueryWith("www.example", dns.TypeTXT, evdns.QueryConfig{Nameserver: u.addr}, r.callback)
			ok(t, err)
			u.does(func(q *question) {
				u.does((*question).good)
				if err := loop.Post(func() { end(b, request) }); err != nil {
					t.Error(err)
				}
			})
			dispatch(t, loop)
			dnstest.Equal(t, "calls", r.calls, 1)
			is(t, "error", r.err, map[string]error{"cancel": evdns.ErrCancel, "free": evdns.ErrShutdown}[name])
		})
	}
}

func TestQueryConfigsAreChecked(t *testing.T) {
	loop := newLoop(t)
	b := newResolver(t, loop)
	cb := func(*dns.Msg, error) { t.Error("called") }
	for name, tt := range map[string]struct {
		cfg  evdns.QueryConfig
		want error
	}{
		"negative timeout": {evdns.QueryConfig{Timeout: -1}, evdns.ErrValue},
		"no option":        {evdns.QueryConfig{Options: []dns.EDNS0{nil}}, event.ErrNil},
		"bad option":       {evdns.QueryConfig{Options: []dns.EDNS0{&dns.EDNS0_SUBNET{Family: 77}}}, evdns.ErrValue},
		"long options":     {evdns.QueryConfig{Options: []dns.EDNS0{&dns.EDNS0_PADDING{Padding: make([]byte, 1200)}}}, evdns.ErrValue},
		"bad nameserver":   {evdns.QueryConfig{Nameserver: netip.AddrPortFrom(netip.Addr{}, 53)}, evdns.ErrAddress},
		"unknown flag":     {evdns.QueryConfig{Flags: 0x40}, evdns.ErrFlags},
	} {
		_, err := b.QueryWith("www.example", dns.TypeTXT, tt.cfg, cb)
		is(t, name, err, tt.want)
	}
	_, err := b.QueryWith("www.example", dns.TypeTXT, evdns.QueryConfig{DNSSEC: true}, nil)
	is(t, "no callback", err, event.ErrNil)
}
