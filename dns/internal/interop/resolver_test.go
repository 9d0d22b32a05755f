//go:build unix

package interop

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

// An asker looks names up at a peer.
type asker struct {
	t       testing.TB
	base    *event.Base
	dns     *evdns.Base
	waiting int
}

// newAsker returns an asker that knows one nameserver, and remembers
// nothing.
func newAsker(t testing.TB, server netip.AddrPort) *asker {
	t.Helper()
	return newAskerWith(t, server, evdns.NoCache)
}

func newAskerWith(t testing.TB, server netip.AddrPort, flags evdns.BaseFlags) *asker {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	resolver, err := evdns.NewBase(base, flags)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		resolver.Free(false)
		base.Free()
	})
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(before) })
	a := &asker{t: t, base: base, dns: resolver}
	if server.IsValid() {
		if err := resolver.AddNameserver(server); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// await runs the loop until every lookup that was begun has ended.
func (a *asker) await() {
	a.t.Helper()
	late := a.base.NewTimer(func(*event.Event, event.What) { a.base.LoopBreak() })
	defer late.Free()
	if err := late.AddTimeout(interopPatience); err != nil {
		a.t.Fatal(err)
	}
	for a.waiting > 0 {
		if err := a.base.Dispatch(); err != nil {
			a.t.Fatal(err)
		}
		if a.base.GotBreak() && a.waiting > 0 {
			a.t.Fatalf("%d lookups have no answer after %v", a.waiting, interopPatience)
		}
	}
}

// begun notes a lookup.
func (a *asker) begun(_ *evdns.Request, err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
	a.waiting++
}

// ended notes that a lookup has ended. The loop stops after the last one.
func (a *asker) ended() {
	if a.waiting--; a.waiting == 0 {
		a.base.LoopBreak()
	}
}

// look returns the answer to a question, which is KIND:NAME. KIND is a, aaaa, ptr,
// addrinfo, or a type of records in capitals.
func (a *asker) look(question string, flags evdns.QueryFlags) (answer string) {
	a.t.Helper()
	a.begin(question, flags, func(got string) { answer = got })
	a.await()
	return answer
}

// begin asks a question, for an answer later.
func (a *asker) begin(question string, flags evdns.QueryFlags, answered func(string)) {
	a.t.Helper()
	kind, name, _ := strings.Cut(question, ":")
	take := func(answer evdns.Answer, err error) {
		answered(describe(answer, err))
		a.ended()
	}
	switch kind {
	case "a":
		a.begun(a.dns.ResolveIPv4(name, flags, take))
	case "aaaa":
		a.begun(a.dns.ResolveIPv6(name, flags, take))
	case "ptr":
		a.begun(a.dns.ResolveReverse(netip.MustParseAddr(name), flags, take))
	case "addrinfo":
		a.waiting++
		hints := &evutil.AddrInfoHints{SockType: syscall.SOCK_STREAM}
		a.dns.GetAddrInfo(name, "80", hints, func(found []evutil.AddrInfo, err error) {
			answered(describeAddrInfo(found, err))
			a.ended()
		})
	default:
		a.begun(a.dns.Query(name, dns.StringToType[kind], flags, func(m *dns.Msg, err error) {
			answered(describeMessage(m, err))
			a.ended()
		}))
	}
}

// describe writes an answer: addresses or names, sorted, and the rest.
func describe(answer evdns.Answer, err error) string {
	if err != nil {
		return reason(err)
	}
	words := slices.Clone(answer.Names)
	for _, addr := range answer.Addrs {
		words = append(words, addr.String())
	}
	slices.Sort(words)
	if answer.CanonName != "" {
		words = append(words, "of "+answer.CanonName)
	}
	return strings.Join(append(words, fmt.Sprint("for ", answer.TTL)), " ")
}

// reason returns the Err in an error, which is what the tests can know.
func reason(err error) string {
	for _, known := range []evdns.Err{
		evdns.ErrFormat, evdns.ErrServerFailed, evdns.ErrNotExist, evdns.ErrNotImpl, evdns.ErrRefused,
		evdns.ErrTruncated, evdns.ErrTimeout, evdns.ErrShutdown, evdns.ErrCancel, evdns.ErrNoData, evdns.ErrUnreachable,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

func describeAddrInfo(found []evutil.AddrInfo, err error) string {
	if err != nil {
		return reason(err)
	}
	var words []string
	for _, info := range found {
		words = append(words, info.Addr.String())
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// describeMessage writes the data of the records of an answer, sorted.
func describeMessage(m *dns.Msg, err error) string {
	if err != nil {
		return reason(err)
	}
	var words []string
	for _, rr := range m.Answer {
		words = append(words, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
