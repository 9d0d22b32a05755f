package evdns

import (
	"errors"
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
		{"ndots", "3", func(b *Base) any { return max(b.config.Ndots, 0) }, 3},
		{"ndots:", "0", func(b *Base) any { return max(b.config.Ndots, 0) }, 0},
		{"timeout", "2.5", func(b *Base) any { return b.config.Timeout }, 2500 * time.Millisecond},
		{"timeout", "0.001", func(b *Base) any { return b.config.Timeout }, time.Millisecond},
		{"timeout", "1e30", func(b *Base) any { return b.config.Timeout }, maxSeconds},
		{"attempts", "7", func(b *Base) any { return b.config.Attempts }, 7},
		{"attempts", "0", func(b *Base) any { return b.config.Attempts }, 1},
		{"attempts", "1000", func(b *Base) any { return b.config.Attempts }, 255},
		{"max-timeouts", "5", func(b *Base) any { return b.config.MaxTimeouts }, 5},
		{"max-timeouts", "0", func(b *Base) any { return b.config.MaxTimeouts }, 1},
		{"max-timeouts", "256", func(b *Base) any { return b.config.MaxTimeouts }, 255},
		{"max-inflight:", "65535", func(b *Base) any { return b.config.MaxInflight }, 65535},
		{"max-inflight", "0", func(b *Base) any { return b.config.MaxInflight }, 1},
		{"randomize-case", "0", func(b *Base) any { return !b.config.KeepCase }, false},
		{"randomize-case", "2", func(b *Base) any { return !b.config.KeepCase }, true},
		{"bind-to", "127.0.0.1", func(b *Base) any { return b.config.BindTo.String() }, "127.0.0.1:0"},
		{"bind-to", "[::1]:5353", func(b *Base) any { return b.config.BindTo.String() }, "[::1]:5353"},
		{"initial-probe-timeout", "0.5", func(b *Base) any { return b.config.InitialProbe }, 500 * time.Millisecond},
		{"initial-probe-timeout", "9999", func(b *Base) any { return b.config.InitialProbe }, time.Hour},
		{"max-probe-timeout", "60", func(b *Base) any { return b.config.MaxProbe }, time.Minute},
		{"max-probe-timeout", "2", func(b *Base) any { return b.config.InitialProbe }, 2 * time.Second},
		{"max-probe-timeout", "0", func(b *Base) any { return b.config.MaxProbe }, time.Second},
		{"probe-backoff-factor", "11", func(b *Base) any { return b.config.ProbeBackoff }, 10},
		{"getaddrinfo-allow-skew", "0.25", func(b *Base) any { return b.config.AllowSkew }, 250 * time.Millisecond},
		{"so-rcvbuf", "65536", func(b *Base) any { return b.config.ReceiveBuffer }, 65536},
		{"so-sndbuf", "32768", func(b *Base) any { return b.config.SendBuffer }, 32768},
		{"tcp-idle-timeout", "1", func(b *Base) any { return b.config.TCPIdleTimeout }, time.Second},
		{"use-vc", "", func(b *Base) any { return b.config.UseVC }, true},
		{"use-vc:", "", func(b *Base) any { return b.config.UseVC }, true},
		{"ignore-tc", "", func(b *Base) any { return b.config.IgnoreTC }, true},
		{"edns-udp-size", "1232", func(b *Base) any { return b.config.EDNSUDPSize }, 1232},
		{"edns-udp-size", "100", func(b *Base) any { return b.config.EDNSUDPSize }, 512},
		{"edns-udp-size", "70000", func(b *Base) any { return b.config.EDNSUDPSize }, 65535},
		{"address-order", "as-answered", func(b *Base) any { return b.config.Order }, OrderAsAnswered},
		{"cache-size", "12", func(b *Base) any { return b.cache.limit }, 12},
		{"max-file-size", "4096", func(b *Base) any { return b.config.MaxFileSize }, 4096},
		{"max-waiting", "9", func(b *Base) any { return b.config.MaxWaiting }, 9},
		{"ports-per-nameserver", "257", func(b *Base) any { return b.config.Ports }, 256},
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
	before := b.Config()
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
	if after := b.Config(); after != before {
		t.Errorf("settings became %+v", after)
	}
}

func TestOptionsHaveLibeventsDefaults(t *testing.T) {
	want := Config{
		Ndots: 1, Timeout: 5 * time.Second, Attempts: 3, MaxTimeouts: 3, MaxInflight: 64, MaxWaiting: 1048576,
		InitialProbe: 10 * time.Second, MaxProbe: time.Hour, ProbeBackoff: 3, AllowSkew: 3 * time.Second,
		TCPIdleTimeout: 5 * time.Second, EDNSUDPSize: 512, Ports: 4, CacheSize: 10000, FailureTTL: time.Second,
		MaxFileSize: 16777216,
	}
	b := newTestBase(t, 0)
	if got := b.Config(); got != want {
		t.Errorf("got %+v", got)
	}
	if err := b.SetOption("attempts", "7"); err != nil {
		t.Fatal(err)
	}
	if err := b.SetConfig(Config{}); err != nil {
		t.Fatal(err)
	}
	if got := b.Config(); got != want {
		t.Errorf("a zero config is %+v", got)
	}
}

// What options set to nothing, a Config sets to a negative number.
func TestSettingsThatAreNone(t *testing.T) {
	byOption, byConfig := newTestBase(t, 0), newTestBase(t, 0)
	for _, name := range []string{"ndots", "cache-size", "failure-ttl"} {
		if err := byOption.SetOption(name, "0"); err != nil {
			t.Fatal(err)
		}
	}
	if err := byConfig.SetConfig(Config{Ndots: -1, CacheSize: -7, FailureTTL: -time.Hour}); err != nil {
		t.Fatal(err)
	}
	if one, other := byOption.Config(), byConfig.Config(); one != other {
		t.Errorf("options set %+v, the config %+v", one, other)
	}
	for _, b := range []*Base{byOption, byConfig} {
		if max(b.config.Ndots, 0) != 0 || b.cache.limit != 0 {
			t.Errorf("%d dots, a cache of %d", max(b.config.Ndots, 0), b.cache.limit)
		}
	}
}

func TestSetConfigRefusesWhatIsOutOfRangeAndChangesNothing(t *testing.T) {
	b := newTestBase(t, 0)
	before := b.Config()
	for option, config := range map[string]Config{
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
		if !errors.Is(err, ErrValue) || !strings.Contains(err.Error(), "evdns: set config: "+option) {
			t.Errorf("%s: error %v", option, err)
		}
	}
	if after := b.Config(); after != before {
		t.Errorf("the config became %+v", after)
	}
	b.Free(false)
	if err := b.SetConfig(Config{}); !errors.Is(err, ErrFreed) {
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
	for name := range optionTable {
		there = append(there, name)
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
