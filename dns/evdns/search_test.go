package evdns

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestSearchTriesNamesInOrder(t *testing.T) {
	long := strings.Repeat("x.", 120) + "x"
	for _, test := range []struct {
		name    string
		ndots   int
		domains []string
		lookup  string
		want    []string
	}{
		{"no domains", 1, nil, "host", []string{"host"}},
		{"few dots", 1, []string{"a.example", "b.example"}, "host", []string{"host.a.example", "host.b.example", "host"}},
		{"enough dots", 1, []string{"a.example", "b.example"}, "host.sub", []string{"host.sub", "host.sub.a.example", "host.sub.b.example"}},
		{"more dots wanted", 2, []string{"a.example"}, "host.sub", []string{"host.sub.a.example", "host.sub"}},
		{"no dots wanted", 0, []string{"a.example"}, "host", []string{"host", "host.a.example"}},
		{"a dot at the end", 1, []string{"a.example"}, "host.", []string{"host."}},
		{"a dot at the end, more dots wanted", 5, []string{"a.example"}, "host.sub.", []string{"host.sub."}},
		{"no name", 1, []string{"a.example"}, "", []string{""}},
		{"an escaped dot at the end", 1, []string{"a.example"}, `host\.`, []string{`host\..a.example`, `host\.`}},
		{"a dot behind an escaped one", 1, []string{"a.example"}, `host\..`, []string{`host\..`}},
		{"a dot behind an escaped backslash", 1, []string{"a.example"}, `host\\.`, []string{`host\\.`}},
		{"too long with a domain", 1, []string{"a.example.example", "b.example"}, long, []string{long, long + ".b.example"}},
		{"too long, and few dots", 500, []string{"a.example.example"}, long, []string{long}},
	} {
		b := newTestBase(t, 0)
		for _, domain := range slices.Backward(test.domains) {
			if err := b.AddSearch(domain); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.SetNdots(test.ndots); err != nil {
			t.Fatal(err)
		}
		first, rest := b.search.names(test.lookup, &b.config.Config)
		if got := append([]string{first}, rest...); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestAddSearchPutsDomainsFirstAsLibeventDoes(t *testing.T) {
	b := newTestBase(t, 0)
	for _, domain := range []string{"a.example", ".b.example", "..c.example..", ".", ""} {
		if err := b.AddSearch(domain); err != nil {
			t.Errorf("%q: %v", domain, err)
		}
	}
	if want := []string{"c.example", "b.example", "a.example"}; !slices.Equal(b.search.domains, want) {
		t.Errorf("got %q", b.search.domains)
	}
}

func TestAddSearchRefusesWhatIsNoDomain(t *testing.T) {
	b := newTestBase(t, 0)
	for _, domain := range []string{"a..example", strings.Repeat("x", 64), strings.Repeat("x.", 128), "a b", "a\x00b", "a\nb", "a*b"} {
		if err := b.AddSearch(domain); !errors.Is(err, ErrName) {
			t.Errorf("%q: error %v", domain, err)
		}
	}
	if len(b.search.domains) > 0 {
		t.Errorf("got %q", b.search.domains)
	}
	if err := b.SetNdots(-1); !errors.Is(err, ErrValue) {
		t.Errorf("negative ndots: error %v", err)
	}
}

func TestASearchUnderWayDoesNotChange(t *testing.T) {
	b := newTestBase(t, 0)
	for _, domain := range []string{"b.example", "a.example"} {
		if err := b.AddSearch(domain); err != nil {
			t.Fatal(err)
		}
	}
	first, rest := b.search.names("x", &b.config.Config)
	b.ClearSearch()
	if err := b.AddSearch("c.example"); err != nil {
		t.Fatal(err)
	}
	if first != "x.a.example" || !slices.Equal(rest, []string{"x.b.example", "x"}) {
		t.Errorf("got %q and %q", first, rest)
	}
}

func TestClearSearchKeepsNdots(t *testing.T) {
	b := newTestBase(t, 0)
	if err := b.SetNdots(4); err != nil {
		t.Fatal(err)
	}
	b.ClearSearch()
	if got := max(b.config.Ndots, 0); got != 4 {
		t.Errorf("ndots is %d", got)
	}
}

func TestWithoutSearchDomainsNothingIsAllocated(t *testing.T) {
	var s search
	var c Config
	if err := c.complete(); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { s.names("www.example.com", &c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNoTLDQueryKeepsNamesWithoutADotInDomains(t *testing.T) {
	for _, test := range []struct {
		domains []string
		lookup  string
		want    []string
	}{
		{nil, "host", []string{"host"}},
		{[]string{"a.example"}, "host", []string{"host.a.example"}},
		{[]string{"a.example"}, "host.", []string{"host."}},
		{[]string{"a.example"}, "host.sub", []string{"host.sub", "host.sub.a.example"}},
	} {
		s := search{domains: test.domains}
		first, rest := s.names(test.lookup, &Config{Ndots: 1, NoTLDQuery: true})
		if got := append([]string{first}, rest...); !slices.Equal(got, test.want) {
			t.Errorf("%s in %q: got %q, want %q", test.lookup, test.domains, got, test.want)
		}
	}
}
