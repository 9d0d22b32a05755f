package evdns_test

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// etc is a file system with the configuration of a host.
func etc(resolvConf, hosts string) fstest.MapFS {
	return fstest.MapFS{
		"etc/resolv.conf": {Data: []byte(resolvConf)},
		"etc/hosts":       {Data: []byte(hosts)},
	}
}

func newConfigured(t *testing.T, flags evdns.BaseFlags, cfg evdns.Config) *evdns.Base {
	t.Helper()
	b, err := evdns.NewBaseWithConfig(newLoop(t), flags, cfg)
	ok(t, err)
	t.Cleanup(func() { b.Free(false) })
	return b
}

// nameserversOf returns the addresses of a resolver's nameservers.
func nameserversOf(t *testing.T, b *evdns.Base) (addrs []string) {
	t.Helper()
	for i := range b.CountNameservers() {
		a, err := b.NameserverAddr(i)
		ok(t, err)
		addrs = append(addrs, a.String())
	}
	return addrs
}

func TestTheConfigurationOfTheSystemComesFromTheFileSystemOfTheConfig(t *testing.T) {
	b := newConfigured(t, evdns.InitializeNameservers, evdns.Config{
		FS: etc("nameserver 192.0.2.53\nnameserver 2001:db8::53\noptions attempts:2\n", "192.0.2.7 host.example\n"),
	})
	if got, want := nameserversOf(t, b), []string{"192.0.2.53:53", "[2001:db8::53]:53"}; !slices.Equal(got, want) {
		t.Errorf("nameservers %q, want %q", got, want)
	}
	dnstest.Equal(t, "attempts", b.Config().Attempts, 2)
	called := false
	b.GetAddrInfo("host.example", "80", nil, func(infos []evutil.AddrInfo, err error) {
		called = true
		ok(t, err)
		if len(infos) == 0 || infos[0].Addr != netip.MustParseAddrPort("192.0.2.7:80") {
			t.Errorf("got %v", infos)
		}
	})
	dnstest.Equal(t, "called at once", called, true)
}

func TestFilesThatTheFileSystemOfTheConfigDoesNotHave(t *testing.T) {
	b := newConfigured(t, evdns.NameserversNoDefault, evdns.Config{FS: fstest.MapFS{}})
	is(t, "a missing resolv.conf", b.ConfigureFromSystem(evdns.OptionsAll), evdns.ErrOpenFile)
	is(t, "a missing hosts file", b.LoadHosts("/etc/hosts"), evdns.ErrOpenFile)
	is(t, "a name that leads out", b.LoadHosts("../hosts"), evdns.ErrOpenFile)
	is(t, "a folder", newConfigured(t, 0, evdns.Config{FS: etc("", "")}).LoadHosts("/etc"), evdns.ErrStatFile)
}

func TestARootedNameAndARelativeOneAreTheSameFile(t *testing.T) {
	for _, name := range []string{"/etc/resolv.conf", "etc/resolv.conf", "//etc/./resolv.conf"} {
		b := newConfigured(t, 0, evdns.Config{FS: etc("nameserver 192.0.2.53\n", "")})
		ok(t, b.ParseResolvConf(evdns.OptionNameservers, name))
		dnstest.Equal(t, "nameservers of "+name, b.CountNameservers(), 1)
	}
}

// queriesWith returns the queries that a resolver with a seed sends for some names, one
// after the other.
func queriesWith(t *testing.T, cfg evdns.Config) (queries [][]byte) {
	t.Helper()
	loop, u := newLoop(t), newUpstream(t)
	wires := make(chan []byte, 100)
	u.does(func(q *question) {
		wires <- slices.Clone(q.wire)
		q.good()
	})
	b, err := evdns.NewBaseWithConfig(loop, evdns.DisableWhenInactive|evdns.NoCache, cfg)
	ok(t, err)
	defer b.Free(false)
	ok(t, b.AddNameserver(u.addr))
	for _, name := range []string{"www.example.com", "mail.example.org", "www.example.com"} {
		lookup(t, loop, b, name).want(t, "192.0.2.1")
		queries = append(queries, <-wires)
	}
	return queries
}

func TestTheSameSeedMakesTheSameQueries(t *testing.T) {
	seed := func(b byte) evdns.Config {
		return evdns.Config{Random: bytes.NewReader(bytes.Repeat([]byte{b}, 32))}
	}
	first, again, other := queriesWith(t, seed(1)), queriesWith(t, seed(1)), queriesWith(t, seed(2))
	for i := range first {
		if !bytes.Equal(first[i], again[i]) {
			t.Errorf("query %d is %x and %x", i, first[i], again[i])
		}
		if bytes.Equal(first[i], other[i]) {
			t.Errorf("query %d is %x with another seed, too", i, first[i])
		}
	}
}

func TestSetConfigSeedsAnew(t *testing.T) {
	ids := func(seed byte) []byte {
		t.Helper()
		loop, u := newLoop(t), newUpstream(t)
		wires := make(chan []byte, 1)
		u.does(func(q *question) {
			wires <- slices.Clone(q.wire)
			q.good()
		})
		b := newResolver(t, loop, u)
		ok(t, b.SetConfig(evdns.Config{Random: bytes.NewReader(bytes.Repeat([]byte{seed}, 32))}))
		lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
		return <-wires
	}
	first, again, other := ids(1), ids(1), ids(2)
	dnstest.Equal(t, "the same seed, the same query", string(again), string(first))
	dnstest.Equal(t, "another seed, the same query", bytes.Equal(other, first), false)
}

func TestARandomSourceThatFails(t *testing.T) {
	broken := errors.New("broken")
	_, err := evdns.NewBaseWithConfig(newLoop(t), 0, evdns.Config{Random: iotest.ErrReader(broken)})
	is(t, "new resolver", err, broken)
	b := newConfigured(t, 0, evdns.Config{})
	is(t, "set config", b.SetConfig(evdns.Config{Attempts: 9, Random: iotest.ErrReader(broken)}), broken)
	dnstest.Equal(t, "attempts after an error", b.Config().Attempts, 3)
}

func TestAConfigThatIsNotValidMakesNoResolver(t *testing.T) {
	_, err := evdns.NewBaseWithConfig(newLoop(t), 0, evdns.Config{Attempts: 256})
	is(t, "attempts 256", err, evdns.ErrValue)
}

// Answers expire by the clock of the base.
func TestTheCacheLivesByTheClockOfTheBase(t *testing.T) {
	clock := evtest.NewClock()
	loop, u := clock.Base(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	u.does(func(q *question) {
		q.send(q.reply(0, record(t, "www.example. 60 IN A 192.0.2.1")))
	})
	for _, step := range []struct {
		pass    time.Duration
		queries int
	}{{0, 1}, {59 * time.Second, 1}, {time.Second, 2}} {
		clock.Advance(step.pass)
		lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
		dnstest.Equal(t, "queries", len(u.questions()), step.queries)
	}
}
