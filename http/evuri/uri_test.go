package evuri_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/evuri"
)

// parts are the parts that a URI must have; "-" is one that is missing.
type parts struct {
	scheme, userinfo, host string
	port                   int
	path, query, fragment  string
}

func partsOf(u *evuri.URI) parts {
	optional := func(p evuri.Part, s string) string {
		if !u.Has(p) {
			return "-"
		}
		return s
	}
	return parts{
		optional(evuri.PartScheme, u.Scheme()), optional(evuri.PartUserinfo, u.Userinfo()), optional(evuri.PartHost, u.Host()), u.Port(),
		optional(evuri.PartPath, u.Path()), optional(evuri.PartQuery, u.Query()), optional(evuri.PartFragment, u.Fragment()),
	}
}

var uriTests = []struct {
	in   string
	want parts
	bad  evuri.Part // in place of want
}{
	// All parts, and parts that are missing or empty.
	{in: "http://me:secret@www.example.com:8080/a/b?c=d#e", want: parts{"http", "me:secret", "www.example.com", 8080, "/a/b", "c=d", "e"}},
	{in: "http://www.example.com", want: parts{"http", "-", "www.example.com", -1, "", "-", "-"}},
	{in: "http://www.example.com/?#", want: parts{"http", "-", "www.example.com", -1, "/", "", ""}},
	{in: "http://www.example.com?q", want: parts{"http", "-", "www.example.com", -1, "", "q", "-"}},
	{in: "http://www.example.com#f?g", want: parts{"http", "-", "www.example.com", -1, "", "-", "f?g"}},
	{in: "", want: parts{"-", "-", "-", -1, "", "-", "-"}},
	{in: "/a/b?c?d/e", want: parts{"-", "-", "-", -1, "/a/b", "c?d/e", "-"}},
	{in: "a/b:c", want: parts{"-", "-", "-", -1, "a/b:c", "-", "-"}},
	{in: "?q", want: parts{"-", "-", "-", -1, "", "q", "-"}},
	{in: "#f", want: parts{"-", "-", "-", -1, "", "-", "f"}},
	{in: "*", want: parts{"-", "-", "-", -1, "*", "-", "-"}},
	{in: "//host/path", want: parts{"-", "-", "host", -1, "/path", "-", "-"}},
	{in: "file:///etc/motd", want: parts{"file", "-", "", -1, "/etc/motd", "-", "-"}},
	{in: "//", want: parts{"-", "-", "", -1, "", "-", "-"}},
	{in: "mailto:me@example.com", want: parts{"mailto", "-", "-", -1, "me@example.com", "-", "-"}},
	{in: "urn:a:b:c", want: parts{"urn", "-", "-", -1, "a:b:c", "-", "-"}},
	{in: "x:", want: parts{"x", "-", "-", -1, "", "-", "-"}},
	{in: "http:/path", want: parts{"http", "-", "-", -1, "/path", "-", "-"}},
	{in: "http://a//b", want: parts{"http", "-", "a", -1, "//b", "-", "-"}},
	{in: "http://a/%7Euser/;x=1,2", want: parts{"http", "-", "a", -1, "/%7Euser/;x=1,2", "-", "-"}},

	// Schemes.
	{in: "a+b-c.9:x", want: parts{"a+b-c.9", "-", "-", -1, "x", "-", "-"}},
	{in: "9a:x", bad: evuri.PartPath},
	{in: ":x", bad: evuri.PartPath},
	{in: "a_b:x", bad: evuri.PartPath},
	{in: "ht tp://a", bad: evuri.PartPath},

	// Userinfo.
	{in: "http://@host", want: parts{"http", "", "host", -1, "", "-", "-"}},
	{in: "http://user@", want: parts{"http", "user", "", -1, "", "-", "-"}},
	{in: "http://a%40b:c:d@host", want: parts{"http", "a%40b:c:d", "host", -1, "", "-", "-"}},
	{in: "http://host/a@b", want: parts{"http", "-", "host", -1, "/a@b", "-", "-"}},
	{in: "http://a%4@host", bad: evuri.PartUserinfo},
	{in: "http://a b@host", bad: evuri.PartUserinfo},
	{in: "http://a@b@host", bad: evuri.PartHost},

	// Hosts.
	{in: "http://127.0.0.1/", want: parts{"http", "-", "127.0.0.1", -1, "/", "-", "-"}},
	{in: "http://a_b.%C3%A9!$&'()*+,;=/", want: parts{"http", "-", "a_b.%C3%A9!$&'()*+,;=", -1, "/", "-", "-"}},
	{in: "http://[::1]", want: parts{"http", "-", "[::1]", -1, "", "-", "-"}},
	{in: "http://[2001:db8::1]:443/", want: parts{"http", "-", "[2001:db8::1]", 443, "/", "-", "-"}},
	{in: "http://[::ffff:1.2.3.4]/", want: parts{"http", "-", "[::ffff:1.2.3.4]", -1, "/", "-", "-"}},
	{in: "http://[v1f.a:b]/", want: parts{"http", "-", "[v1f.a:b]", -1, "/", "-", "-"}},
	{in: "http://[Va.b]/", want: parts{"http", "-", "[Va.b]", -1, "/", "-", "-"}},
	{in: "http://[]/", bad: evuri.PartHost},
	{in: "http://[::1/", bad: evuri.PartHost},
	{in: "http://::1]/", bad: evuri.PartPort},
	{in: "http://[::1]x/", bad: evuri.PartHost},
	{in: "http://[1.2.3.4]/", bad: evuri.PartHost},
	{in: "http://[::1%25eth0]/", bad: evuri.PartHost},
	{in: "http://[::1%eth0]/", bad: evuri.PartHost},
	{in: "http://[1:2:3:4:5:6:7:8:9]/", bad: evuri.PartHost},
	{in: "http://[v.a]/", bad: evuri.PartHost},
	{in: "http://[vg.a]/", bad: evuri.PartHost},
	{in: "http://[v1.]/", bad: evuri.PartHost},
	{in: "http://[v1.%41]/", bad: evuri.PartHost},
	{in: "http://[v1a]/", bad: evuri.PartHost},
	{in: "http://a b/", bad: evuri.PartHost},
	{in: "http://a%4/", bad: evuri.PartHost},
	{in: "http://é/", bad: evuri.PartHost},
	{in: `http://a\b/`, bad: evuri.PartHost},

	// Ports.
	{in: "http://a:/", want: parts{"http", "-", "a", -1, "/", "-", "-"}},
	{in: "http://:80/", want: parts{"http", "-", "", 80, "/", "-", "-"}},
	{in: "http://a:0", want: parts{"http", "-", "a", 0, "", "-", "-"}},
	{in: "http://a:00080", want: parts{"http", "-", "a", 80, "", "-", "-"}},
	{in: "http://a:65535", want: parts{"http", "-", "a", 65535, "", "-", "-"}},
	{in: "http://a:65536", bad: evuri.PartPort},
	{in: "http://a:18446744073709551617", bad: evuri.PartPort},
	{in: "http://a:+80", bad: evuri.PartPort},
	{in: "http://a:80:80", bad: evuri.PartPort},
	{in: "http://a:x", bad: evuri.PartPort},

	// Bytes that are not allowed.
	{in: "/a b", bad: evuri.PartPath},
	{in: "/a%", bad: evuri.PartPath},
	{in: "/a%4", bad: evuri.PartPath},
	{in: "/a%4g", bad: evuri.PartPath},
	{in: "/é", bad: evuri.PartPath},
	{in: "/[", bad: evuri.PartPath},
	{in: "/a\x00", bad: evuri.PartPath},
	{in: "/a\r\nb", bad: evuri.PartPath},
	{in: "/?a b", bad: evuri.PartQuery},
	{in: "/?%zz", bad: evuri.PartQuery},
	{in: "/?#a b", bad: evuri.PartFragment},
	{in: "/#a#b", bad: evuri.PartFragment},
	{in: "/?\x7f", bad: evuri.PartQuery},
}

func TestParseURI(t *testing.T) {
	for _, test := range uriTests {
		u, err := evuri.Parse(test.in)
		if test.bad != 0 {
			if !errors.Is(err, evuri.ErrURI) || !strings.HasSuffix(err.Error(), "bad "+test.bad.String()) || u != (evuri.URI{}) {
				t.Errorf("%q: %v, %v, want a bad %v", test.in, partsOf(&u), err, test.bad)
			}
			continue
		}
		if got := partsOf(&u); err != nil || got != test.want {
			t.Errorf("%q: %+v, %v, want %+v", test.in, got, err, test.want)
		}
	}
}

func TestParsedURIJoinsToTheSame(t *testing.T) {
	for _, test := range uriTests {
		if test.bad != 0 {
			continue
		}
		u, _ := evuri.Parse(test.in)
		joined, err := u.Join()
		again, err2 := evuri.Parse(joined)
		if err != nil || err2 != nil || again != u {
			t.Errorf("%q became %q: %v, %v", test.in, joined, err, err2)
		}
		if _, port := test.want.port, strings.Contains(test.in, ":00080") || strings.Contains(test.in, "a:/"); !port && joined != test.in {
			t.Errorf("%q became %q", test.in, joined)
		}
	}
}

func TestNonconformantURI(t *testing.T) {
	u, err := evuri.ParseFlags("http://a/b c|é%?d e^%zz#f#g<", evuri.Nonconformant)
	want := parts{"http", "-", "a", -1, "/b c|é%", "d e^%zz", "f#g<"}
	if got := partsOf(&u); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if s, err := u.Join(); s != "http://a/b c|é%?d e^%zz#f#g<" || err != nil {
		t.Errorf("joined: %q, %v", s, err)
	}
	for _, s := range []string{"http://a b/", "http://a/\r\nb", "/?\n", "/#\x00", "//a:99999"} {
		if _, err := evuri.ParseFlags(s, evuri.Nonconformant); !errors.Is(err, evuri.ErrURI) {
			t.Errorf("%q: %v, want ErrURI", s, err)
		}
	}
}

func TestURIHostStripBrackets(t *testing.T) {
	u, err := evuri.ParseFlags("http://[::1]:80/", evuri.HostStripBrackets)
	if err != nil || u.Host() != "::1" {
		t.Fatalf("host %q, %v", u.Host(), err)
	}
	if s, err := u.Join(); s != "http://[::1]:80/" || err != nil {
		t.Errorf("joined: %q, %v", s, err)
	}
	if u.SetFlags(0); u.Host() != "[::1]" || u.Flags() != 0 {
		t.Errorf("without the flag: host %q", u.Host())
	}
	u.SetFlags(evuri.HostStripBrackets)
	if err := u.SetHost("example.com"); err != nil || u.Host() != "example.com" {
		t.Errorf("a name: host %q, %v", u.Host(), err)
	}
}

func TestURIUnixSocket(t *testing.T) {
	for _, test := range []struct{ in, userinfo, socket, path, query string }{
		{"http://unix:/run/control.sock:/controller?a=b", "", "/run/control.sock", "/controller", "a=b"},
		{"http://me:x@unix:/run/a@b?c#d/:/", "me:x", "/run/a@b?c#d/", "/", ""},
		{"http://unix:relative:", "", "relative", "", ""},
	} {
		u, err := evuri.ParseFlags(test.in, evuri.UnixSocket)
		if err != nil || u.UnixSocket() != test.socket || u.Path() != test.path || u.Query() != test.query || u.Userinfo() != test.userinfo {
			t.Errorf("%q: %+v, %v", test.in, u, err)
		}
		if u.Has(evuri.PartHost) || u.Port() != -1 {
			t.Errorf("%q: has a host or a port", test.in)
		}
		if s, err := u.Join(); s != test.in || err != nil {
			t.Errorf("%q became %q, %v", test.in, s, err)
		}
	}
	for _, s := range []string{"http://unix:/run/x", "http://unix::/x", "http://unix:", "http://unix:/a\nb:/", "http://unix:/a:x"} {
		if u, err := evuri.ParseFlags(s, evuri.UnixSocket); !errors.Is(err, evuri.ErrURI) {
			t.Errorf("%q: %+v, %v, want ErrURI", s, u, err)
		}
	}
	if u, err := evuri.Parse("http://unix:/run/x:/y"); err != nil || u.Host() != "unix" || u.Path() != "/run/x:/y" {
		t.Errorf("without the flag: %+v, %v", u, err)
	}
}

func TestParseAuthority(t *testing.T) {
	for _, test := range []struct {
		in, host string
		port     int
	}{
		{"example.com:443", "example.com", 443},
		{"[::1]:443", "[::1]", 443},
		{"example.com", "example.com", -1},
		{"", "", -1},
	} {
		u, err := evuri.ParseAuthority(test.in, 0)
		if err != nil || u.Host() != test.host || u.Port() != test.port || !u.Has(evuri.PartHost|evuri.PartPath) || u.Has(evuri.PartScheme) {
			t.Errorf("%q: %+v, %v", test.in, u, err)
		}
	}
	for _, s := range []string{"example.com:443/", "example.com:443?x", "a:99999", "http://a", "[::1", "a:b", "unix:x:/y"} {
		if u, err := evuri.ParseAuthority(s, 0); !errors.Is(err, evuri.ErrURI) {
			t.Errorf("%q: %+v, %v, want ErrURI", s, u, err)
		}
	}
}

func TestURIErrorIsShort(t *testing.T) {
	_, err := evuri.Parse("/ " + strings.Repeat("x", 100000))
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

func TestParseURIDoesNotAllocate(t *testing.T) {
	const s = "http://me@[::1]:80/a/b%20c?d=e#f"
	if n := testing.AllocsPerRun(100, func() {
		u, err := evuri.Parse(s)
		if err != nil || u.Port() != 80 {
			t.Fatal(u, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseURI(f *testing.F) {
	for _, test := range uriTests {
		f.Add(test.in, uint8(0))
		f.Add(test.in, uint8(evuri.Nonconformant|evuri.UnixSocket))
	}
	f.Fuzz(func(t *testing.T, s string, flags uint8) {
		u, err := evuri.ParseFlags(s, evuri.Flags(flags))
		if err != nil {
			if !errors.Is(err, evuri.ErrURI) || u != (evuri.URI{}) {
				t.Fatalf("%q: %+v, %v", s, u, err)
			}
			return
		}
		joined, err := u.Join()
		if err != nil {
			t.Fatalf("%q does not join: %v", s, err)
		}
		again, err := evuri.ParseFlags(joined, evuri.Flags(flags))
		if err != nil || again != u {
			t.Fatalf("%q became %q, which is not the same: %+v, %v", s, joined, again, err)
		}
		if strings.ContainsAny(joined, "\r\n\x00") {
			t.Fatalf("%q can end a line", joined)
		}
		if u.Has(evuri.PartPath) && !u.Has(evuri.PartUnixSocket) && len(joined) > len(s) {
			t.Fatalf("%q grew to %q", s, joined)
		}
	})
}
