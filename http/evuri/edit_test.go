package evuri_test

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/http/evuri"
)

func TestBuildURI(t *testing.T) {
	var u evuri.URI
	if s, err := u.Join(); s != "" || err != nil || u.Has(evuri.PartPath) {
		t.Errorf("no parts: %q, %v", s, err)
	}
	for _, err := range []error{
		u.SetScheme("https"), u.SetUserinfo("me:x"), u.SetHost("[::1]"), u.SetPort(8443),
		u.SetPath("/a"), u.SetQuery("b=c"), u.SetFragment("d"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := u.Join()
	if want := "https://me:x@[::1]:8443/a?b=c#d"; s != want || err != nil || u.String() != want {
		t.Errorf("%q, %v, want %q", s, err, want)
	}
	if b, err := u.AppendJoin([]byte("GET ")); string(b) != "GET "+s || err != nil {
		t.Errorf("appended: %q, %v", b, err)
	}

	u.Clear(evuri.PartScheme | evuri.PartUserinfo | evuri.PartHost | evuri.PartPort | evuri.PartFragment)
	if s, err := u.Join(); s != "/a?b=c" || err != nil {
		t.Errorf("cleared: %q, %v", s, err)
	}
	if u.Clear(evuri.PartPath | evuri.PartQuery | evuri.PartUnixSocket); u != (evuri.URI{}) {
		t.Errorf("all cleared: %+v", u)
	}
}

func TestSettersRefuse(t *testing.T) {
	for _, test := range []struct {
		name  string
		set   func(u *evuri.URI, s string) error
		bad   []string
		great []string
	}{
		{"scheme", (*evuri.URI).SetScheme, []string{"", "1a", "a:", "a b", "a/"}, []string{"a", "A1+.-"}},
		{"userinfo", (*evuri.URI).SetUserinfo, []string{"a@b", "a/b", "%", "%4", "\n"}, []string{"", "a:b", "%41"}},
		{"host", (*evuri.URI).SetHost, []string{"a:80", "::1", "[::1", "[::1]:80", "a/b", "a@b", "a b"}, []string{"", "a", "[::1]", "[v1.x]"}},
		{"Unix socket", (*evuri.URI).SetUnixSocket, []string{"", "a:b", "a\x00", "a\n"}, []string{"/run/x", "x"}},
		{"path", (*evuri.URI).SetPath, []string{"/?", "/#", "/ ", "%", "/%4x"}, []string{"", "a", "/", "//", "/a:b@c"}},
		{"query", (*evuri.URI).SetQuery, []string{"#", " ", "%1"}, []string{"", "?", "a=b", "/?:@"}},
		{"fragment", (*evuri.URI).SetFragment, []string{"#", " ", "%1"}, []string{"", "?", "a=b"}},
	} {
		var u evuri.URI
		for _, s := range test.great {
			if err := test.set(&u, s); err != nil {
				t.Errorf("%s %q: %v", test.name, s, err)
			}
		}
		before := u
		for _, s := range test.bad {
			if err := test.set(&u, s); !errors.Is(err, evuri.ErrURI) || u != before {
				t.Errorf("%s %q: %v, %+v", test.name, s, err, u)
			}
		}
	}
}

func TestSetPort(t *testing.T) {
	var u evuri.URI
	for _, port := range []int{0, 80, 65535, -1} {
		if err := u.SetPort(port); err != nil || u.Port() != port {
			t.Errorf("%d: %d, %v", port, u.Port(), err)
		}
	}
	for _, port := range []int{-2, 65536} {
		if err := u.SetPort(port); !errors.Is(err, evuri.ErrURI) || u.Port() != -1 {
			t.Errorf("%d: %d, %v", port, u.Port(), err)
		}
	}
}

func TestSettersHeedFlags(t *testing.T) {
	var u evuri.URI
	u.SetFlags(evuri.Nonconformant)
	if u.SetPath("/a b") != nil || u.SetQuery("c d") != nil || u.SetFragment("e#f") != nil {
		t.Error("nonconformant parts refused")
	}
	if u.SetPath("/a?") == nil || u.SetQuery("a#") == nil || u.SetPath("/\r\n") == nil {
		t.Error("parts that would end too early accepted")
	}
}

func TestJoinRefusesWhatWouldBeReadOtherwise(t *testing.T) {
	for _, test := range []struct {
		name  string
		build func(u *evuri.URI) error
	}{
		{"relative path after a host", func(u *evuri.URI) error { return errors.Join(u.SetHost("a"), u.SetPath("b")) }},
		{"path that looks like a host", func(u *evuri.URI) error { return u.SetPath("//a/b") }},
		{"path that looks like a scheme", func(u *evuri.URI) error { return u.SetPath("a:b") }},
		{"userinfo without a host", func(u *evuri.URI) error { return errors.Join(u.SetUserinfo("me"), u.SetPath("/")) }},
		{"port without a host", func(u *evuri.URI) error { return errors.Join(u.SetPort(80), u.SetPath("/")) }},
		{"conformant no more", func(u *evuri.URI) error {
			u.SetFlags(evuri.Nonconformant)
			defer u.SetFlags(0)
			return u.SetPath("/a b")
		}},
		{"Unix socket with an @ in front of a slash", func(u *evuri.URI) error { return u.SetUnixSocket("a@b") }},
	} {
		var u evuri.URI
		if err := test.build(&u); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if b, err := u.AppendJoin([]byte("x")); !errors.Is(err, evuri.ErrURI) || string(b) != "x" {
			t.Errorf("%s: %q, %v, want ErrURI", test.name, b, err)
		}
	}
}

func TestUnixSocketTakesThePlaceOfHostAndPort(t *testing.T) {
	u, err := evuri.Parse("http://example.com:80/x")
	if err == nil {
		err = u.SetUnixSocket("/run/s")
	}
	if s, err2 := u.Join(); s != "http://unix:/run/s:/x" || err != nil || err2 != nil {
		t.Errorf("%q, %v, %v", s, err, err2)
	}
}
