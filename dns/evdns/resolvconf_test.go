package evdns

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnstest"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// nameservers returns the addresses of the nameservers, without port 53.
func nameserversOf(t testing.TB, b *Base) []string {
	t.Helper()
	var list []string
	for i := range b.CountNameservers() {
		addr, err := b.NameserverAddr(i)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, strings.TrimSuffix(addr.String(), ":53"))
	}
	return list
}

func TestParseResolvConfTakesNameservers(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
		stats      ConfigStats
	}{
		{"one", "nameserver 192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{}},
		{"no newline at the end", "nameserver 192.0.2.1", []string{"192.0.2.1"}, ConfigStats{}},
		{"CRLF", "nameserver 192.0.2.1\r\nnameserver 192.0.2.2\r\n", []string{"192.0.2.1", "192.0.2.2"}, ConfigStats{}},
		{"blanks", " \t nameserver\t192.0.2.1 \t\n\n", []string{"192.0.2.1"}, ConfigStats{}},
		{"IPv6", "nameserver 2001:db8::1\n", []string{"[2001:db8::1]"}, ConfigStats{}},
		{"ports", "nameserver 192.0.2.1:5353\nnameserver [2001:db8::1]:54\n", []string{"192.0.2.1:5353", "[2001:db8::1]:54"}, ConfigStats{}},
		{"words after it", "nameserver 192.0.2.1 192.0.2.2\n", []string{"192.0.2.1"}, ConfigStats{}},
		{"comments", "# nameserver 192.0.2.3\n;nameserver 192.0.2.4\nnameserver 192.0.2.1 # comment\n", []string{"192.0.2.1"}, ConfigStats{}},
		{"twice the same", "nameserver 192.0.2.1\nnameserver 192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{}},
		{"one malformed", "nameserver x\nnameserver 192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{Malformed: 1}},
		{"no argument", "nameserver\nnameserver 192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{Malformed: 1}},
		{"bad port", "nameserver 192.0.2.2:0\nnameserver 192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{Malformed: 1}},
		{"NUL", "nameserver 192.0.2.2\x00\nnameserver 192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{Malformed: 1}},
		{"endless line", "nameserver " + strings.Repeat("1", 1<<20) + "\nnameserver 192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{Malformed: 1}},
		{"line of nothing but words", strings.Repeat("a ", 1<<20) + "\nnameserver 192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{Malformed: 1}},
		{"byte-order mark", "\ufeffnameserver 192.0.2.1\r\n", []string{"192.0.2.1"}, ConfigStats{}},
		{"files that were joined", "nameserver 192.0.2.1\n\ufeffnameserver 192.0.2.2\n", []string{"192.0.2.1", "192.0.2.2"}, ConfigStats{}},
		{"this host", "nameserver 0.0.0.0\nnameserver ::\n", []string{"127.0.0.1", "[::1]"}, ConfigStats{}},
		{"this host twice", "nameserver 0.0.0.0\nnameserver 127.0.0.1\n", []string{"127.0.0.1"}, ConfigStats{}},
		{"IPv4 as IPv6", "nameserver ::ffff:192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{}},
		{"scope", "nameserver fe80::1%1\n", []string{"[fe80::1%1]"}, ConfigStats{}},
		{"unknown directives", "family inet4\nNameserver 192.0.2.2\nnameserver 192.0.2.1\n", []string{"192.0.2.1"}, ConfigStats{Unknown: 2}},
	} {
		b := newTestBase(t, 0)
		if err := b.ParseResolvConf(OptionNameservers, writeConfig(t, test.text)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := nameserversOf(t, b); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if got := b.ConfigStats(); got != test.stats {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.stats)
		}
	}
}

func TestParseResolvConfTakesSearchDomains(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
		malformed  int
	}{
		{"domain", "domain a.example\n", []string{"a.example"}, 0},
		{"domain takes one word", "domain a.example b.example\n", []string{"a.example"}, 0},
		{"search", "search a.example b.example\tc.example\n", []string{"a.example", "b.example", "c.example"}, 0},
		{"dots around", "search .a.example b.example.\n", []string{"a.example", "b.example"}, 0},
		{"the last counts", "search a.example b.example\ndomain c.example\n", []string{"c.example"}, 0},
		{"search after domain", "domain c.example\nsearch a.example b.example\n", []string{"a.example", "b.example"}, 0},
		{"comment", "search a.example # b.example\n", []string{"a.example"}, 0},
		{"the root", "search .\n", nil, 0},
		{"no argument", "search a.example\nsearch\ndomain\n", []string{"a.example"}, 2},
		{"no domain", "search a..example b.example\n", []string{"b.example"}, 1},
	} {
		b := newTestBase(t, 0)
		if err := b.ParseResolvConf(OptionSearch, writeConfig(t, test.text)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if !slices.Equal(b.search.domains, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, b.search.domains, test.want)
		}
		if got := b.ConfigStats().Malformed; got != test.malformed {
			t.Errorf("%s: %d malformed, want %d", test.name, got, test.malformed)
		}
	}
}

func TestTheDomainOfTheHostIsSearchedIfNothingElseIs(t *testing.T) {
	const all = OptionsAll&^OptionHostsFile | OptionNameserversNoDefault
	for _, test := range []struct {
		name, host, text string
		flags            OptionFlags
		before           string
		want             []string
	}{
		{"nothing said", "host.dept.example", "options ndots:2\n", all, "", []string{"dept.example"}},
		{"no domain", "host", "", all, "", nil},
		{"a strange name", "host.a..b", "", all, "", nil},
		{"something said", "host.dept.example", "search a.example\n", all, "", []string{"a.example"}},
		{"that nothing is to be searched", "host.dept.example", "search .\n", all, "", nil},
		{"something was there before", "host.dept.example", "", all, "b.example", []string{"b.example"}},
		{"not wanted", "host.dept.example", "", OptionMisc, "", nil},
	} {
		b := newTestBase(t, 0)
		if err := b.SetConfig(Config{Hostname: test.host}); err != nil {
			t.Fatal(err)
		}
		if err := b.AddSearch(test.before); err != nil {
			t.Fatal(err)
		}
		if err := b.ParseResolvConf(test.flags, writeConfig(t, test.text)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if !slices.Equal(b.search.domains, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, b.search.domains, test.want)
		}
	}
}

func TestParseResolvConfTakesOptions(t *testing.T) {
	const text = "options ndots:4 timeout:2.5 use-vc rotate inet6 attempts:x\n" +
		"options\tmax-timeouts:9 bind-to:[::1]:53 ndots\n" +
		"search a.example\n"
	b := newTestBase(t, 0)
	if err := b.ParseResolvConf(OptionsAll&^OptionHostsFile|OptionNameserversNoDefault, writeConfig(t, text)); err != nil {
		t.Fatal(err)
	}
	o := b.config
	if max(b.config.Ndots, 0) != 4 || o.Timeout != 2500*time.Millisecond || !o.UseVC || o.Attempts != 3 || o.MaxTimeouts != 9 || o.BindTo.String() != "[::1]:53" {
		t.Errorf("ndots %d, %+v", max(b.config.Ndots, 0), o)
	}
	if got, want := b.ConfigStats(), (ConfigStats{Malformed: 2, Unknown: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Keywords and ranges are those of glibc 2.36, with which this was compared.
func TestParseResolvConfReadsOptionsAsGlibcDoes(t *testing.T) {
	for _, test := range []struct {
		text string
		want func(*Config)
	}{
		{"ndots:15 timeout:30 attempts:5", func(s *Config) { s.Ndots, s.Timeout, s.Attempts = 15, 30*time.Second, 5 }},
		{"ndots:16 timeout:31 attempts:6", func(s *Config) { s.Ndots, s.Timeout, s.Attempts = 15, 30*time.Second, 5 }},
		{"ndots:99999 timeout:1e9 attempts:999", func(s *Config) { s.Ndots, s.Timeout, s.Attempts = 15, 30*time.Second, 5 }},
		{"ndots:0 timeout:0 attempts:0", func(s *Config) { s.Ndots, s.Timeout, s.Attempts = -1, time.Second, 1 }},
		{"ndots:-1 timeout:-3 attempts:-1", func(s *Config) { s.Ndots, s.Timeout, s.Attempts = -1, time.Second, 1 }},
		{"timeout:0.25", func(s *Config) { s.Timeout = 250 * time.Millisecond }}, // which glibc does not have
		{"edns0", func(s *Config) { s.EDNSUDPSize = 1232 }},
		{"edns-udp-size:4096 edns0", func(s *Config) { s.EDNSUDPSize = 4096 }},
		{"no-aaaa", func(s *Config) { s.NoAAAA = true }},
		{"no-tld-query", func(s *Config) { s.NoTLDQuery = true }},
		{"no_tld_query", func(s *Config) { s.NoTLDQuery = true }},
		{"single-request", func(s *Config) { s.SingleRequest = true }},
		{"single-request-reopen", func(s *Config) { s.SingleRequest = true }},
		{"trust-ad", func(s *Config) { s.TrustAD = true }},
		{"use-vc", func(s *Config) { s.UseVC = true }},
		{"rotate no-reload", func(*Config) {}},
		{"ndots:2\r", func(s *Config) { s.Ndots = 2 }},
		{"ndots:3\t\ttrust-ad\noptions ndots:2", func(s *Config) { s.Ndots, s.TrustAD = 2, true }},
		{"ndots:3 # ndots:4", func(s *Config) { s.Ndots = 3 }},
	} {
		b := newTestBase(t, 0)
		want := b.Config()
		test.want(&want)
		text := "options " + test.text + "\n"
		if err := b.ParseResolvConf(OptionSearch|OptionMisc, writeConfig(t, text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got := b.Config(); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
		if got := b.ConfigStats(); got != (ConfigStats{}) {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestParseResolvConfReadsSortlists(t *testing.T) {
	for _, test := range []struct {
		text      string
		order     []string
		malformed int
	}{
		{"", []string{"10.0.0.1", "192.0.2.1", "130.155.0.1", "130.155.160.1"}, 0},
		{"sortlist 130.155.160.0/255.255.240.0 130.155.0.0", []string{"130.155.160.1", "130.155.0.1", "10.0.0.1", "192.0.2.1"}, 0},
		{"sortlist 192.0.2.0", []string{"192.0.2.1", "10.0.0.1", "130.155.0.1", "130.155.160.1"}, 0},
		{"sortlist 192.0.2.77&255.255.255.0 11.0.0.0", []string{"192.0.2.1", "10.0.0.1", "130.155.0.1", "130.155.160.1"}, 0},
		{"sortlist 0.0.0.1/0.0.0.255", []string{"10.0.0.1", "192.0.2.1", "130.155.0.1", "130.155.160.1"}, 0},
		{"sortlist 192.0.2.0\nsortlist 130.155.0.0", []string{"130.155.0.1", "130.155.160.1", "10.0.0.1", "192.0.2.1"}, 0},
		{"sortlist x 192.0.2.0/y ::1 130.155.0.0", []string{"130.155.0.1", "130.155.160.1", "10.0.0.1", "192.0.2.1"}, 3},
	} {
		b := newTestBase(t, 0)
		if err := b.ParseResolvConf(OptionMisc, writeConfig(t, test.text+"\n")); err != nil {
			t.Fatal(err)
		}
		addrs := parseAddrs("10.0.0.1", "192.0.2.1", "130.155.0.1", "130.155.160.1")
		b.order.bySortlist(addrs)
		if want := parseAddrs(test.order...); !slices.Equal(addrs, want) {
			t.Errorf("%q: got %v, want %v", test.text, addrs, want)
		}
		if got := b.ConfigStats().Malformed; got != test.malformed {
			t.Errorf("%q: %d malformed, want %d", test.text, got, test.malformed)
		}
	}
}

func TestParseResolvConfTakesOnlyWhatFlagsSay(t *testing.T) {
	const text = "nameserver 192.0.2.1\nsearch a.example\noptions ndots:4 timeout:2 bind-to:127.0.0.1 attempts:x\n"
	for _, test := range []struct {
		flags                        OptionFlags
		servers, search, misc, bound bool
	}{
		{0, false, false, false, false},
		{OptionNameservers, true, false, false, true},
		{OptionSearch, false, true, false, false},
		{OptionMisc, false, false, true, false},
		{OptionNameserversNoDefault, false, false, false, false},
		{OptionsAll &^ OptionHostsFile, true, true, true, true},
	} {
		b := newTestBase(t, 0)
		if err := b.ParseResolvConf(test.flags, writeConfig(t, text)); err != nil {
			t.Errorf("%d: %v", test.flags, err)
		}
		if got := len(nameserversOf(t, b)) > 0; got != test.servers {
			t.Errorf("%d: nameservers: %t", test.flags, got)
		}
		if got := slices.Contains(b.search.domains, "a.example") && max(b.config.Ndots, 0) == 4; got != test.search {
			t.Errorf("%d: search: %t", test.flags, got)
		}
		if got := b.config.Timeout == 2*time.Second; got != test.misc {
			t.Errorf("%d: misc: %t", test.flags, got)
		}
		if got := b.config.BindTo.IsValid(); got != test.bound {
			t.Errorf("%d: bind-to: %t", test.flags, got)
		}
		if got := b.ConfigStats().Malformed; got != 1 {
			t.Errorf("%d: %d malformed: values are checked in any case", test.flags, got)
		}
	}
}

func TestTheDefaultNameserver(t *testing.T) {
	const all = OptionsAll &^ OptionHostsFile
	empty, missing := writeConfig(t, "# nothing\n"), filepath.Join(TempDir(t), "missing")
	for _, test := range []struct {
		name   string
		flags  OptionFlags
		file   string
		before string
		want   []string
		err    error
	}{
		{"no nameserver", all, empty, "", []string{"127.0.0.1"}, ErrNoNameservers},
		{"no nameserver, no default", all | OptionNameserversNoDefault, empty, "", nil, nil},
		{"no nameserver, not wanted", OptionMisc, empty, "", nil, nil},
		{"one was there before", all, empty, "192.0.2.1", []string{"192.0.2.1"}, nil},
		{"no file", all, missing, "", []string{"127.0.0.1"}, ErrOpenFile},
		{"no file, no default", all | OptionNameserversNoDefault, missing, "", nil, ErrOpenFile},
		{"no file, one was there before", all, missing, "192.0.2.1", []string{"192.0.2.1"}, ErrOpenFile},
		{"no filename", all, "", "", []string{"127.0.0.1"}, ErrOpenFile},
	} {
		b := newTestBase(t, 0)
		if test.before != "" {
			if err := b.AddNameserverString(test.before); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.ParseResolvConf(test.flags, test.file); !errors.Is(err, test.err) {
			t.Errorf("%s: error %v, want %v", test.name, err, test.err)
		}
		if got := nameserversOf(t, b); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	small := writeConfig(t, "nameserver 192.0.2.1\n")
	cases := []struct {
		name, file string
		size       string
		err        error
		cause      error
	}{
		{"missing", filepath.Join(TempDir(t), "missing"), "1000", ErrOpenFile, os.ErrNotExist},
		{"folder", TempDir(t), "1000", ErrStatFile, nil},
		{"too large", small, "20", ErrFileTooLarge, nil},
		{"just not too large", small, "21", nil, nil},
	}
	if runtime.GOOS == "linux" {
		cases = append(cases, struct {
			name, file string
			size       string
			err        error
			cause      error
		}{"endless", "/dev/zero", "100000", ErrFileTooLarge, nil})
	}
	for _, test := range cases {
		b := newTestBase(t, 0)
		if err := b.SetOption("max-file-size", test.size); err != nil {
			t.Fatal(err)
		}
		err := b.ParseResolvConf(OptionNameservers, test.file)
		if !errors.Is(err, test.err) || test.cause != nil && !errors.Is(err, test.cause) {
			t.Errorf("resolv.conf %s: error %v, want %v", test.name, err, test.err)
		}
		if err != nil && strings.Count(err.Error(), filepath.Base(test.file)) != 1 {
			t.Errorf("resolv.conf %s: %v does not name the file once", test.name, err)
		}
		if servers := b.CountNameservers(); servers > 0 && err != nil && !errors.Is(err, ErrOpenFile) {
			t.Errorf("resolv.conf %s: %d nameservers all the same", test.name, servers)
		}
		if err := b.LoadHosts(test.file); !errors.Is(err, test.err) {
			t.Errorf("hosts %s: error %v, want %v", test.name, err, test.err)
		}
	}
}

func TestParseResolvConfRefusesUnknownFlagsAndFreedBases(t *testing.T) {
	b := newTestBase(t, 0)
	file := writeConfig(t, "nameserver 192.0.2.1\n")
	if err := b.ParseResolvConf(OptionsAll<<4, file); !errors.Is(err, ErrFlags) {
		t.Errorf("flags: error %v", err)
	}
	b.Free(false)
	if err := b.ParseResolvConf(OptionsAll, file); !errors.Is(err, ErrFreed) {
		t.Errorf("freed: error %v", err)
	}
	if err := b.LoadHosts(file); !errors.Is(err, ErrFreed) {
		t.Errorf("freed: error %v", err)
	}
}

func TestSkippedLinesAreLoggedWithFileAndNumber(t *testing.T) {
	var log bytes.Buffer
	b := newTestBase(t, 0)
	dnstest.LogTo(t, slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	file := writeConfig(t, "nameserver 192.0.2.1\nnameserver nonsense\noptions inet6\n")
	if err := b.ParseResolvConf(OptionNameservers, file); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"level=WARN", "line=2", "nonsense", "level=DEBUG", "line=3", "inet6", "file="} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in the log:\n%s", want, log.String())
		}
	}
}

func TestInitializeNameserversConfiguresAsTheSystemIs(t *testing.T) {
	if runtime.GOOS != "windows" {
		if _, err := os.Stat(resolvConfName); err != nil {
			t.Skip(err)
		}
	}
	b := newTestBase(t, InitializeNameservers)
	if b.CountNameservers() == 0 {
		t.Error("there are no nameservers")
	}
	if _, ok := b.hosts.find("localhost"); !ok && runtime.GOOS != "windows" {
		t.Error("hosts were not loaded") // on Windows the file may be empty
	}
}

// FuzzParseResolvConf checks that no text does harm, and that lines without
// effect are counted.
func FuzzParseResolvConf(f *testing.F) {
	f.Add("nameserver 192.0.2.1\nsearch a.example b.example\noptions ndots:2 timeout:1\n")
	f.Add("nameserver\x00\ndomain ..\n;x\n#y\noptions :: a: use-vc:1 bind-to:[::1]:0\n")
	f.Add(strings.Repeat("search ", 100))
	b := newTestBase(f, 0)
	f.Fuzz(func(t *testing.T, text string) {
		c := resolvConf{base: b, flags: OptionsAll &^ OptionHostsFile, name: "fuzz"}
		for n, line := range configLines(text) {
			c.line = n
			c.parseLine(line)
		}
		for _, domain := range b.search.domains {
			if err := dnswire.CheckHostname(domain); err != nil {
				t.Errorf("%q became a search domain: %v", domain, err)
			}
		}
		o := b.config
		for name, wrong := range map[string]bool{
			"ndots":        b.config.Ndots < -1,
			"timeout":      o.Timeout < time.Millisecond,
			"attempts":     o.Attempts < 1 || o.Attempts > 255,
			"max-timeouts": o.MaxTimeouts < 1 || o.MaxTimeouts > 255,
			"max-inflight": o.MaxInflight < 1,
			"probes":       o.InitialProbe > o.MaxProbe || o.MaxProbe > time.Hour,
			"backoff":      o.ProbeBackoff < 1 || o.ProbeBackoff > 10,
			"edns":         o.EDNSUDPSize < 512 || o.EDNSUDPSize > 65535,
			"skew":         o.AllowSkew < time.Millisecond,
			"cache":        b.cache.limit < 0,
		} {
			if wrong {
				t.Errorf("%s is out of range: %+v", name, o)
			}
		}
		b.ClearNameserversAndSuspend()
		b.Resume()
		b.ClearSearch()
	})
}
