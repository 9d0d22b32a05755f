package evhttp

import (
	"errors"
	"strings"
	"testing"
)

func TestMatchGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a.com", "a.com", true},
		{"a.com", "a.co", false},
		{"a.com", "a.comm", false},
		{"*", "", true},
		{"*", "anything.at.all", true},
		{"*.a.com", "www.a.com", true},
		{"*.a.com", "x.y.a.com", true},
		{"*.a.com", "a.com", false},
		{"*.a.com", ".a.com", true},
		{"*.a.com", "www.a.com.evil", false},
		{"www.*", "www.a.com", true},
		{"www.*", "ww.a.com", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "abc", true},
		{"a*b*c", "a-c-b", false},
		{"a**", "a", true},
		{"*ab", "aab", true},
		{"*a*", "bbb", false},
		{"?", "a", false},
	} {
		if got := matchGlob(test.pattern, []byte(test.name)); got != test.want {
			t.Errorf("%q and %q: %v", test.pattern, test.name, got)
		}
	}
}

// TestMatchGlobIsNotExponential ends only if time does not grow with the power
// of the number of stars.
func TestMatchGlobIsNotExponential(t *testing.T) {
	if matchGlob(strings.Repeat("*a", 100)+"b", []byte(strings.Repeat("a", 1000))) {
		t.Error("matched")
	}
}

func TestVirtualHosts(t *testing.T) {
	node := func(name string) *virtualHosts[string] { return &virtualHosts[string]{server: name} }
	root, com, www, late, org := node("root"), node("com"), node("www"), node("late"), node("org")
	for _, err := range []error{
		root.add("*.com", com), root.add("www.*.com", late), root.add("*.ORG", org), com.add("www.*", www),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root.addAlias("Localhost")
	org.addAlias("special.com")
	www.addAlias("alias.org")
	for _, test := range []struct {
		host, want string
		known      bool
	}{
		{"", "root", false},
		{"other.net", "root", false},
		{"localhost", "root", true},
		{"a.com", "com", true},
		{"A.COM", "com", true},
		{"www.a.com", "www", true},
		{"special.com", "org", true},
		{"SPECIAL.com", "org", true},
		{"a.org", "org", true},
		{"alias.org", "www", true},
		{strings.Repeat("a", 1000) + ".org", "org", true},
	} {
		if got, known := root.find([]byte(test.host)); got != test.want || known != test.known {
			t.Errorf("%.20q: %s, %v, want %s, %v", test.host, got, known, test.want, test.known)
		}
	}

	if !org.removeAlias("Special.COM") || org.removeAlias("special.com") {
		t.Error("alias not removed once")
	}
	if got, _ := root.find([]byte("special.com")); got != "com" {
		t.Errorf("without its alias: %s", got)
	}
	if !root.remove(com) || root.remove(com) {
		t.Error("virtual host not removed once")
	}
	if got, _ := root.find([]byte("www.a.com")); got != "late" {
		t.Errorf("without the first match: %s", got)
	}
	if got, known := root.find([]byte("alias.org")); got != "org" || !known {
		t.Errorf("alias of what is no virtual host any more: %s", got)
	}
}

func TestVirtualHostIsInOnePlace(t *testing.T) {
	var a, b, c virtualHosts[int]
	if err := a.add("x", &a); !errors.Is(err, ErrVirtualHost) {
		t.Errorf("in itself: %v", err)
	}
	if err := errors.Join(a.add("b", &b), b.add("c", &c)); err != nil {
		t.Fatal(err)
	}
	if err := c.add("a", &a); !errors.Is(err, ErrVirtualHost) {
		t.Errorf("above and below: %v", err)
	}
	if err := a.add("d", &c); !errors.Is(err, ErrVirtualHost) {
		t.Errorf("twice: %v", err)
	}
	b.remove(&c)
	if err := a.add("d", &c); err != nil {
		t.Errorf("again after it was removed: %v", err)
	}
}

func TestFindVirtualHostDoesNotAllocate(t *testing.T) {
	var root, v virtualHosts[int]
	root.addAlias("a.com")
	if err := root.add("*.com", &v); err != nil {
		t.Fatal(err)
	}
	host := []byte("WWW.Example.com")
	if n := testing.AllocsPerRun(100, func() {
		if _, known := root.find(host); !known {
			t.Fatal("not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
