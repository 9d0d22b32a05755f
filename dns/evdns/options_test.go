package evdns

import (
	"errors"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSetOptionSetsEveryOption(t *testing.T) {
	for _, test := range []struct {
		name, value string
		get         func(b *Base) any
		want        any
	}{
		{"ndots", "3", func(b *Base) any { return b.search.ndots() }, 3},
		{"ndots:", "0", func(b *Base) any { return b.search.ndots() }, 0},
		{"timeout", "2.5", func(b *Base) any { return b.options.timeout }, 2500 * time.Millisecond},
		{"timeout", "0.001", func(b *Base) any { return b.options.timeout }, time.Millisecond},
		{"timeout", "1e30", func(b *Base) any { return b.options.timeout }, maxSeconds},
		{"attempts", "7", func(b *Base) any { return b.options.attempts }, 7},
		{"attempts", "0", func(b *Base) any { return b.options.attempts }, 1},
		{"attempts", "1000", func(b *Base) any { return b.options.attempts }, 255},
		{"max-timeouts", "5", func(b *Base) any { return b.options.maxTimeouts }, 5},
		{"max-timeouts", "0", func(b *Base) any { return b.options.maxTimeouts }, 1},
		{"max-timeouts", "256", func(b *Base) any { return b.options.maxTimeouts }, 255},
		{"max-inflight:", "65535", func(b *Base) any { return b.options.maxInflight }, 65535},
		{"max-inflight", "0", func(b *Base) any { return b.options.maxInflight }, 1},
		{"randomize-case", "0", func(b *Base) any { return b.options.randomizeCase }, false},
		{"randomize-case", "2", func(b *Base) any { return b.options.randomizeCase }, true},
		{"bind-to", "127.0.0.1", func(b *Base) any { return b.options.bindTo.String() }, "127.0.0.1:0"},
		{"bind-to", "[::1]:5353", func(b *Base) any { return b.options.bindTo.String() }, "[::1]:5353"},
		{"initial-probe-timeout", "0.5", func(b *Base) any { return b.options.initialProbe }, 500 * time.Millisecond},
		{"initial-probe-timeout", "9999", func(b *Base) any { return b.options.initialProbe }, time.Hour},
		{"max-probe-timeout", "60", func(b *Base) any { return b.options.maxProbe }, time.Minute},
		{"max-probe-timeout", "2", func(b *Base) any { return b.options.initialProbe }, 2 * time.Second},
		{"max-probe-timeout", "0", func(b *Base) any { return b.options.maxProbe }, time.Second},
		{"probe-backoff-factor", "11", func(b *Base) any { return b.options.probeBackoff }, 10},
		{"getaddrinfo-allow-skew", "0.25", func(b *Base) any { return b.options.skew }, 250 * time.Millisecond},
		{"so-rcvbuf", "65536", func(b *Base) any { return b.options.soRcvbuf }, 65536},
		{"so-sndbuf", "32768", func(b *Base) any { return b.options.soSndbuf }, 32768},
		{"tcp-idle-timeout", "1", func(b *Base) any { return b.options.tcpIdleTimeout }, time.Second},
		{"use-vc", "", func(b *Base) any { return b.options.useVC }, true},
		{"use-vc:", "", func(b *Base) any { return b.options.useVC }, true},
		{"ignore-tc", "", func(b *Base) any { return b.options.ignoreTC }, true},
		{"edns-udp-size", "1232", func(b *Base) any { return b.options.ednsUDPSize }, 1232},
		{"edns-udp-size", "100", func(b *Base) any { return b.options.ednsUDPSize }, 512},
		{"edns-udp-size", "70000", func(b *Base) any { return b.options.ednsUDPSize }, 65535},
		{"address-order", "as-answered", func(b *Base) any { return b.options.order }, orderAsAnswered},
		{"cache-size", "12", func(b *Base) any { return b.cache.limit }, 12},
		{"max-file-size", "4096", func(b *Base) any { return b.options.maxFileSize }, 4096},
		{"max-waiting", "9", func(b *Base) any { return b.options.maxWaiting }, 9},
		{"ports-per-nameserver", "257", func(b *Base) any { return b.options.ports }, 256},
	} {
		b := newTestBase(t, 0)
		if err := b.SetOption(test.name, test.value); err != nil {
			t.Errorf("%s %s: %v", test.name, test.value, err)
			continue
		}
		if got := test.get(b); got != test.want {
			t.Errorf("%s %s: %v, want %v", test.name, test.value, got, test.want)
		}
	}
}

func TestSetOptionSaysWhichOptionIsWrongAndChangesNothing(t *testing.T) {
	b := newTestBase(t, 0)
	before := *b.settings()
	for _, test := range []struct {
		name, value string
		err         error
	}{
		{"no-such-option", "1", ErrOption},
		{"", "1", ErrOption},
		{":", "1", ErrOption},
		{"ndots:3", "1", ErrOption},
		{"ndots::", "1", ErrOption},
		{"NDOTS", "1", ErrOption},
		{"ndots", "-1", ErrValue},
		{"ndots", "", ErrValue},
		{"ndots", "1x", ErrValue},
		{"timeout", "0", ErrValue},
		{"timeout", "0.0001", ErrValue},
		{"timeout", "-1", ErrValue},
		{"timeout", "NaN", ErrValue},
		{"timeout", "five", ErrValue},
		{"getaddrinfo-allow-skew", "", ErrValue},
		{"tcp-idle-timeout", "0", ErrValue},
		{"initial-probe-timeout", "", ErrValue},
		{"max-probe-timeout", "1.5", ErrValue},
		{"attempts", "99999999999999999999", ErrValue},
		{"max-inflight", "many", ErrValue},
		{"randomize-case", "yes", ErrValue},
		{"bind-to", "localhost", ErrValue},
		{"bind-to", "127.0.0.1:99999", ErrValue},
		{"use-vc", "1", ErrValue},
		{"ignore-tc:", "0", ErrValue},
		{"address-order", "random", ErrValue},
	} {
		err := b.SetOption(test.name, test.value)
		if !errors.Is(err, test.err) {
			t.Errorf("%q %q: error %v, want %v", test.name, test.value, err, test.err)
		} else if !strings.Contains(err.Error(), strings.TrimSuffix(test.name, ":")) {
			t.Errorf("%q: %v does not name it", test.name, err)
		}
	}
	if after := *b.settings(); after != before {
		t.Errorf("settings became %+v", after)
	}
}

func TestOptionsHaveLibeventsDefaults(t *testing.T) {
	want := settings{ndots: 1, options: options{
		timeout: 5 * time.Second, attempts: 3, maxTimeouts: 3, maxInflight: 64, maxWaiting: 1048576,
		randomizeCase: true, bindTo: netip.AddrPort{}, initialProbe: 10 * time.Second, maxProbe: time.Hour,
		probeBackoff: 3, skew: 3 * time.Second, tcpIdleTimeout: 5 * time.Second, ednsUDPSize: 512,
		ports: 4, cacheSize: 10000, failureTTL: time.Second, order: orderRFC6724, maxFileSize: 16777216,
	}}
	if got := *newTestBase(t, 0).settings(); got != want {
		t.Errorf("got %+v", got)
	}
}

// TestTheTableOfOptionsIsComplete compares the doc comment of SetOption with
// what there is.
func TestTheTableOfOptionsIsComplete(t *testing.T) {
	source, err := os.ReadFile("options.go")
	if err != nil {
		t.Fatal(err)
	}
	var documented, there []string
	for _, row := range regexp.MustCompile(`(?m)^//\t([a-z0-9-]+)  +\S+  +\S`).FindAllStringSubmatch(string(source), -1) {
		if row[1] != "name" {
			documented = append(documented, row[1])
		}
	}
	for _, table := range []map[string]option{optionTable, flagOptions} {
		for name := range table {
			there = append(there, name)
		}
	}
	slices.Sort(documented)
	slices.Sort(there)
	if !slices.Equal(documented, there) {
		t.Errorf("documented are %q, there are %q", documented, there)
	}
}

func TestSetOptionOfAFreedBaseIsAnError(t *testing.T) {
	b := newTestBase(t, 0)
	b.Free(false)
	if err := b.SetOption("ndots", "1"); !errors.Is(err, ErrFreed) {
		t.Errorf("error %v", err)
	}
}
