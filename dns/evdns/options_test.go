package evdns_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/dns/evdns"
)

func TestSetOptionSetsEveryOption(t *testing.T) {
	for _, test := range []struct {
		name, value string
		get         func(b *evdns.Base) any
		want        any
	}{
		{"ndots", "3", func(b *evdns.Base) any { return max(b.Config().Ndots, 0) }, 3},
		{"ndots:", "0", func(b *evdns.Base) any { return max(b.Config().Ndots, 0) }, 0},
		{"timeout", "2.5", func(b *evdns.Base) any { return b.Config().Timeout }, 2500 * time.Millisecond},
		{"timeout", "0.001", func(b *evdns.Base) any { return b.Config().Timeout }, time.Millisecond},
		{"timeout", "1e30", func(b *evdns.Base) any { return b.Config().Timeout }, evdns.MaxSeconds},
		{"attempts", "7", func(b *evdns.Base) any { return b.Config().Attempts }, 7},
		{"attempts", "0", func(b *evdns.Base) any { return b.Config().Attempts }, 1},
		{"attempts", "1000", func(b *evdns.Base) any { return b.Config().Attempts }, 255},
		{"max-timeouts", "5", func(b *evdns.Base) any { return b.Config().MaxTimeouts }, 5},
		{"max-timeouts", "0", func(b *evdns.Base) any { return b.Config().MaxTimeouts }, 1},
		{"max-timeouts", "256", func(b *evdns.Base) any { return b.Config().MaxTimeouts }, 255},
		{"max-inflight:", "65535", func(b *evdns.Base) any { return b.Config().MaxInflight }, 65535},
		{"max-inflight", "0", func(b *evdns.Base) any { return b.Config().MaxInflight }, 1},
		{"randomize-case", "0", func(b *evdns.Base) any { return !b.Config().KeepCase }, false},
		{"randomize-case", "2", func(b *evdns.Base) any { return !b.Config().KeepCase }, true},
		{"bind-to", "127.0.0.1", func(b *evdns.Base) any { return b.Config().BindTo.String() }, "127.0.0.1:0"},
		{"bind-to", "[::1]:5353", func(b *evdns.Base) any { return b.Config().BindTo.String() }, "[::1]:5353"},
		{"initial-probe-timeout", "0.5", func(b *evdns.Base) any { return b.Config().InitialProbe }, 500 * time.Millisecond},
		{"initial-probe-timeout", "9999", func(b *evdns.Base) any { return b.Config().InitialProbe }, time.Hour},
		{"max-probe-timeout", "60", func(b *evdns.Base) any { return b.Config().MaxProbe }, time.Minute},
		{"max-probe-timeout", "2", func(b *evdns.Base) any { return b.Config().InitialProbe }, 2 * time.Second},
		{"max-probe-timeout", "0", func(b *evdns.Base) any { return b.Config().MaxProbe }, time.Second},
		{"probe-backoff-factor", "11", func(b *evdns.Base) any { return b.Config().ProbeBackoff }, 10},
		{"getaddrinfo-allow-skew", "0.25", func(b *evdns.Base) any { return b.Config().AllowSkew }, 250 * time.Millisecond},
		{"so-rcvbuf", "65536", func(b *evdns.Base) any { return b.Config().ReceiveBuffer }, 65536},
		{"so-sndbuf", "32768", func(b *evdns.Base) any { return b.Config().SendBuffer }, 32768},
		{"tcp-idle-timeout", "1", func(b *evdns.Base) any { return b.Config().TCPIdleTimeout }, time.Second},
		{"use-vc", "", func(b *evdns.Base) any { return b.Config().UseVC }, true},
		{"use-vc:", "", func(b *evdns.Base) any { return b.Config().UseVC }, true},
		{"ignore-tc", "", func(b *evdns.Base) any { return b.Config().IgnoreTC }, true},
		{"edns-udp-size", "1232", func(b *evdns.Base) any { return b.Config().EDNSUDPSize }, 1232},
		{"edns-udp-size", "100", func(b *evdns.Base) any { return b.Config().EDNSUDPSize }, 512},
		{"edns-udp-size", "70000", func(b *evdns.Base) any { return b.Config().EDNSUDPSize }, 65535},
		{"address-order", "as-answered", func(b *evdns.Base) any { return b.Config().Order }, evdns.OrderAsAnswered},
		{"cache-size", "12", func(b *evdns.Base) any { return b.Config().CacheSize }, 12},
		{"max-file-size", "4096", func(b *evdns.Base) any { return b.Config().MaxFileSize }, 4096},
		{"max-waiting", "9", func(b *evdns.Base) any { return b.Config().MaxWaiting }, 9},
		{"ports-per-nameserver", "257", func(b *evdns.Base) any { return b.Config().Ports }, 256},
	} {
		b := newConfigured(t, 0, evdns.Config{})
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
	b := newConfigured(t, 0, evdns.Config{})
	before := b.Config()
	for _, test := range []struct {
		name, value string
		err         error
	}{
		{"no-such-option", "1", evdns.ErrOption},
		{"", "1", evdns.ErrOption},
		{":", "1", evdns.ErrOption},
		{"ndots:3", "1", evdns.ErrOption},
		{"ndots::", "1", evdns.ErrOption},
		{"NDOTS", "1", evdns.ErrOption},
		{"ndots", "-1", evdns.ErrValue},
		{"ndots", "", evdns.ErrValue},
		{"ndots", "1x", evdns.ErrValue},
		{"timeout", "0", evdns.ErrValue},
		{"timeout", "0.0001", evdns.ErrValue},
		{"timeout", "-1", evdns.ErrValue},
		{"timeout", "NaN", evdns.ErrValue},
		{"timeout", "five", evdns.ErrValue},
		{"getaddrinfo-allow-skew", "", evdns.ErrValue},
		{"tcp-idle-timeout", "0", evdns.ErrValue},
		{"initial-probe-timeout", "", evdns.ErrValue},
		{"max-probe-timeout", "1.5", evdns.ErrValue},
		{"attempts", "99999999999999999999", evdns.ErrValue},
		{"max-inflight", "many", evdns.ErrValue},
		{"randomize-case", "yes", evdns.ErrValue},
		{"bind-to", "localhost", evdns.ErrValue},
		{"bind-to", "127.0.0.1:99999", evdns.ErrValue},
		{"use-vc", "1", evdns.ErrValue},
		{"ignore-tc:", "0", evdns.ErrValue},
		{"address-order", "random", evdns.ErrValue},
	} {
		err := b.SetOption(test.name, test.value)
		if !errors.Is(err, test.err) {
			t.Errorf("%q %q: error %v, want %v", test.name, test.value, err, test.err)
		} else if !strings.Contains(err.Error(), strings.TrimSuffix(test.name, ":")) {
			t.Errorf("%q: %v does not name it", test.name, err)
		}
	}
	if after := b.Config(); after != before {
		t.Errorf("settings became %+v", after)
	}
}

func TestOptionsHaveLibeventsDefaults(t *testing.T) {
	want := evdns.Config{
		Ndots: 1, Timeout: 5 * time.Second, Attempts: 3, MaxTimeouts: 3, MaxInflight: 64, MaxWaiting: 1048576,
		InitialProbe: 10 * time.Second, MaxProbe: time.Hour, ProbeBackoff: 3, AllowSkew: 3 * time.Second,
		TCPIdleTimeout: 5 * time.Second, EDNSUDPSize: 512, Ports: 4, CacheSize: 10000, FailureTTL: time.Second,
		MaxFileSize: 16777216,
	}
	b := newConfigured(t, 0, evdns.Config{})
	if got := b.Config(); got != want {
		t.Errorf("got %+v", got)
	}
	if err := b.SetOption("attempts", "7"); err != nil {
		t.Fatal(err)
	}
	if err := b.SetConfig(evdns.Config{}); err != nil {
		t.Fatal(err)
	}
	if got := b.Config(); got != want {
		t.Errorf("a zero config is %+v", got)
	}
}

// What options set to nothing, a evdns.Config sets to a negative number.
func TestSettingsThatAreNone(t *testing.T) {
	byOption, byConfig := newConfigured(t, 0, evdns.Config{}), newConfigured(t, 0, evdns.Config{})
	for _, name := range []string{"ndots", "cache-size", "failure-ttl"} {
		if err := byOption.SetOption(name, "0"); err != nil {
			t.Fatal(err)
		}
	}
	if err := byConfig.SetConfig(evdns.Config{Ndots: -1, CacheSize: -7, FailureTTL: -time.Hour}); err != nil {
		t.Fatal(err)
	}
	if one, other := byOption.Config(), byConfig.Config(); one != other {
		t.Errorf("options set %+v, the config %+v", one, other)
	}
	for _, b := range []*evdns.Base{byOption, byConfig} {
		if b.Config().Ndots != -1 || b.Config().CacheSize != -1 {
			t.Errorf("%d dots, a cache of %d", b.Config().Ndots, b.Config().CacheSize)
		}
	}
}

func TestSetConfigRefusesWhatIsOutOfRangeAndChangesNothing(t *testing.T) {
	b := newConfigured(t, 0, evdns.Config{})
	before := b.Config()
	for option, config := range map[string]evdns.Config{
		"timeout":                {Timeout: time.Microsecond},
		"attempts":               {Attempts: 256},
		"max-inflight":           {MaxInflight: -1},
		"max-waiting":            {MaxWaiting: 1_000_000_001},
		"max-timeouts":           {MaxTimeouts: -1},
		"initial-probe-timeout":  {InitialProbe: 2 * time.Hour},
		"max-probe-timeout":      {MaxProbe: time.Millisecond},
		"probe-backoff-factor":   {ProbeBackoff: 11},
		"ports-per-nameserver":   {Ports: 257},
		"edns-udp-size":          {EDNSUDPSize: 511},
		"so-rcvbuf":              {ReceiveBuffer: -1},
		"so-sndbuf":              {SendBuffer: -1},
		"tcp-idle-timeout":       {TCPIdleTimeout: -1},
		"getaddrinfo-allow-skew": {AllowSkew: -1},
		"address-order":          {Order: 2},
		"cache-size":             {CacheSize: 10_000_001},
		"failure-ttl":            {FailureTTL: time.Hour},
		"max-file-size":          {MaxFileSize: -1},
	} {
		err := b.SetConfig(config)
		if !errors.Is(err, evdns.ErrValue) || !strings.Contains(err.Error(), "evdns: set config: "+option) {
			t.Errorf("%s: error %v", option, err)
		}
	}
	if after := b.Config(); after != before {
		t.Errorf("the config became %+v", after)
	}
	b.Free(false)
	if err := b.SetConfig(evdns.Config{}); !errors.Is(err, evdns.ErrFreed) {
		t.Errorf("of a freed base: %v", err)
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
	there = evdns.OptionNames()
	slices.Sort(documented)
	slices.Sort(there)
	if !slices.Equal(documented, there) {
		t.Errorf("documented are %q, there are %q", documented, there)
	}
}

func TestSetOptionOfAFreedBaseIsAnError(t *testing.T) {
	b := newConfigured(t, 0, evdns.Config{})
	b.Free(false)
	if err := b.SetOption("ndots", "1"); !errors.Is(err, evdns.ErrFreed) {
		t.Errorf("error %v", err)
	}
}
