package route

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
	node := func(name string) *Hosts[string] { return &Hosts[string]{Server: name} }
	root, com, www, late, org := node("root"), node("com"), node("www"), node("late"), node("org")
	for _, err := range []error{
		root.Add("*.com", com), root.Add("www.*.com", late), root.Add("*.ORG", org), com.Add("www.*", www),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root.AddAlias("Localhost")
	org.AddAlias("special.com")
	www.AddAlias("alias.org")
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
		if got, known := root.Find([]byte(test.host)); got != test.want || known != test.known {
			t.Errorf("%.20q: %s, %v, want %s, %v", test.host, got, known, test.want, test.known)
		}
	}

	if !org.RemoveAlias("Special.COM") || org.RemoveAlias("special.com") {
		t.Error("alias not removed once")
	}
	if got, _ := root.Find([]byte("special.com")); got != "com" {
		t.Errorf("without its alias: %s", got)
	}
	if !root.Remove(com) || root.Remove(com) {
		t.Error("virtual host not removed once")
	}
	if got, _ := root.Find([]byte("www.a.com")); got != "late" {
		t.Errorf("without the first match: %s", got)
	}
	if got, known := root.Find([]byte("alias.org")); got != "org" || !known {
		t.Errorf("alias of what is no virtual host any more: %s", got)
	}
}

func TestVirtualHostIsInOnePlace(t *testing.T) {
	var a, b, c Hosts[int]
	if err := a.Add("x", &a); !errors.Is(err, ErrVirtualHost) {
		t.Errorf("in itself: %v", err)
	}
	if err := errors.Join(a.Add("b", &b), b.Add("c", &c)); err != nil {
		t.Fatal(err)
	}
	if err := c.Add("a", &a); !errors.Is(err, ErrVirtualHost) {
		t.Errorf("above and below: %v", err)
	}
	if err := a.Add("d", &c); !errors.Is(err, ErrVirtualHost) {
		t.Errorf("twice: %v", err)
	}
	b.Remove(&c)
	if err := a.Add("d", &c); err != nil {
		t.Errorf("again after it was removed: %v", err)
	}
}

func TestFindVirtualHostDoesNotAllocate(t *testing.T) {
	var root, v Hosts[int]
	root.AddAlias("a.com")
	if err := root.Add("*.com", &v); err != nil {
		t.Fatal(err)
	}
	host := []byte("WWW.Example.com")
	if n := testing.AllocsPerRun(100, func() {
		if _, known := root.Find(host); !known {
			t.Fatal("not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
