package evdns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestLoadHosts(t *testing.T) {
	const text = "# comment\n" +
		"127.0.0.1\tlocalhost  loopback\n" +
		"::1 localhost ip6-localhost # comment\n" +
		"192.0.2.1 www.Example.com www#www.example.org\n" +
		"[2001:db8::1] six.example\r\n" +
		"  192.0.2.2  www.example.com.\n" +
		"192.0.2.1 www.example.com\n" + // again
		"192.0.2.3:0 port.example\n" +
		"192.0.2.3:80 port.example\n" +
		"not-an-address nothing.example\n" +
		"192.0.2.4\n" +
		"192.0.2.5 #nothing.example\n" +
		"192.0.2.6 nul.example\x00\n" +
		"192.0.2.7 last.example"
	b := newTestBase(t, 0)
	if err := b.LoadHosts(writeConfig(t, text)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		addrs []netip.Addr
		canon string
	}{
		{"localhost", parseAddrs("127.0.0.1", "::1"), "localhost"},
		{"LOOPBACK", parseAddrs("127.0.0.1"), "localhost"},
		{"ip6-localhost", parseAddrs("::1"), "localhost"},
		{"www.example.com", parseAddrs("192.0.2.1", "192.0.2.2"), "www.Example.com"},
		{"www.example.com.", parseAddrs("192.0.2.1", "192.0.2.2"), "www.Example.com"},
		{"www", parseAddrs("192.0.2.1"), "www.Example.com"},
		{"www.example.org", nil, ""},
		{"six.example", parseAddrs("2001:db8::1"), "six.example"},
		{"port.example", nil, ""},
		{"nothing.example", nil, ""},
		{"#nothing.example", nil, ""},
		{"nul.example", nil, ""},
		{"comment", nil, ""},
		{"last.example", parseAddrs("192.0.2.7"), "last.example"},
		{"", nil, ""},
	} {
		got, ok := b.hosts.find(test.name)
		if ok != (test.addrs != nil) || !slices.Equal(got.addrs, test.addrs) || got.canonName != test.canon {
			t.Errorf("%q: got %v %q, want %v %q", test.name, got.addrs, got.canonName, test.addrs, test.canon)
		}
	}
	if got := b.ConfigStats().Malformed; got != 6 {
		t.Errorf("%d malformed lines, want 6", got)
	}

	b.ClearHostAddresses()
	if _, ok := b.hosts.find("localhost"); ok {
		t.Error("localhost is still known")
	}
}

// Editors and systems leave odd bytes behind; what glibc takes for blank is blank.
func TestHostsFilesOfAllKindsOfEditors(t *testing.T) {
	for name, text := range map[string]string{
		"plain":                    "192.0.2.1 a.example b.example\n",
		"byte-order mark":          "\ufeff192.0.2.1 a.example b.example\n",
		"byte-order mark, CRLF":    "\ufeff192.0.2.1 a.example b.example\r\n",
		"comment behind the mark":  "\ufeff# hosts\r\n192.0.2.1 a.example b.example\r\n",
		"files that were joined":   "# one\n\ufeff192.0.2.1 a.example b.example\n",
		"tabs":                     "\t192.0.2.1\t\ta.example\tb.example\t\n",
		"form feed, vertical tab":  "\f192.0.2.1\va.example\f\vb.example\n",
		"stray carriage return":    "192.0.2.1\ra.example \r b.example\r\r\n",
		"blank lines":              "\r\n \t\r\n\f\n192.0.2.1 a.example b.example",
		"comment without a blank":  "192.0.2.1 a.example b.example#c\n",
		"names in several lines":   "192.0.2.1 a.example\r\n192.0.2.1 b.example\r\n",
		"dots at the end":          "192.0.2.1 a.example. b.example.\n",
		"capital letters":          "192.0.2.1 A.EXAMPLE B.Example\n",
		"no newline at the end":    "192.0.2.1 a.example b.example",
		"end of file of CP/M":      "192.0.2.1 a.example b.example\r\n\x1a",
		"the name of the mark too": "192.0.2.1 a.example b.example \ufeffc.example\n",
	} {
		b := newTestBase(t, 0)
		if err := b.LoadHosts(writeConfig(t, text)); err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"a.example", "b.example"} {
			if got, ok := b.hosts.find(host); !ok || !slices.Equal(got.addrs, parseAddrs("192.0.2.1")) {
				t.Errorf("%s: %s is %v", name, host, got.addrs)
			}
		}
	}
}

func TestHostsFilesHaveScopes(t *testing.T) {
	b := newTestBase(t, 0)
	if err := b.LoadHosts(writeConfig(t, "fe80::1%1 a.example\n")); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.hosts.find("a.example"); len(got.addrs) != 1 || got.addrs[0].Zone() != "1" {
		t.Errorf("got %v", got.addrs)
	}
}

func TestHostsAreAddedToThoseThatThereAre(t *testing.T) {
	b := newTestBase(t, 0)
	for _, text := range []string{"192.0.2.1 a.example\n", "192.0.2.2 a.example\n192.0.2.3 b.example\n"} {
		if err := b.LoadHosts(writeConfig(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := b.hosts.find("a.example"); !slices.Equal(got.addrs, parseAddrs("192.0.2.1", "192.0.2.2")) {
		t.Errorf("got %v", got.addrs)
	}
}

func TestLocalhostIsKnownWithoutAFile(t *testing.T) {
	for _, test := range []struct {
		name, file string
		fails      bool
		want       []netip.Addr
	}{
		{"no filename", "", false, parseAddrs("127.0.0.1", "::1")},
		{"missing", "/no/such/file", true, parseAddrs("127.0.0.1", "::1")},
		{"empty", writeConfig(t, ""), false, nil},
	} {
		b := newTestBase(t, 0)
		if err := b.LoadHosts(test.file); (err != nil) != test.fails {
			t.Errorf("%s: error %v", test.name, err)
		}
		if got, _ := b.hosts.find("localhost"); !slices.Equal(got.addrs, test.want) {
			t.Errorf("%s: got %v", test.name, got.addrs)
		}
	}
}

func TestAHostHasOnlySoManyAddresses(t *testing.T) {
	var text strings.Builder
	for i := range maxHostAddrs + 10 {
		fmt.Fprintf(&text, "10.0.%d.%d many.example other%d.example\n", i/256, i%256, i)
	}
	b := newTestBase(t, 0)
	if err := b.LoadHosts(writeConfig(t, text.String())); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.hosts.find("many.example"); len(got.addrs) != maxHostAddrs {
		t.Errorf("%d addresses", len(got.addrs))
	}
	if got := b.ConfigStats().Malformed; got != 10 {
		t.Errorf("%d malformed lines", got)
	}
}

func TestAHugeFileOfHosts(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "0.0.0.0 ad%d.example\n", i)
	}
	b := newTestBase(t, 0)
	if err := b.LoadHosts(writeConfig(t, text.String())); err != nil {
		t.Fatal(err)
	}
	if got := len(b.hosts.byName); got != 100_000 {
		t.Errorf("%d hosts", got)
	}
}

// FuzzHosts checks that no text does harm, and that what was read is found.
func FuzzHosts(f *testing.F) {
	f.Add("127.0.0.1 localhost\n::1 localhost # comment\n")
	f.Add("[::1]:80 a\n1.2.3.4 \x00\n# \n1.2.3.4 a#b c\nfe80::1%lo x\n")
	f.Fuzz(func(t *testing.T, text string) {
		var h hosts
		for _, line := range configLines(text) {
			h.parseLine(line)
		}
		for name, host := range h.byName {
			if strings.ContainsAny(name, " \t\n\x00#") || len(host.addrs) == 0 || host.canonName == "" {
				t.Errorf("%q became %+v", name, host)
			}
			if _, ok := h.find(name); !ok && !strings.HasSuffix(name, ".") {
				t.Errorf("%q is not found", name)
			}
		}
	})
}
