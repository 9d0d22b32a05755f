package route

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/evuri"
)

// find looks up a request such as "GET example.com/path".
func find(r *Router[string], m *Match, request string) string {
	method, rest, _ := strings.Cut(request, " ")
	slash := max(strings.IndexByte(rest, '/'), 0)
	value, _ := r.Lookup(m, []byte(method), []byte(rest[:slash]), []byte(rest[slash:]))
	return value
}

func newRouter(t *testing.T, patterns ...string) *Router[string] {
	t.Helper()
	r := new(Router[string])
	for _, p := range patterns {
		if err := r.Handle(p, p); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestRouterFindsTheMostSpecificPattern(t *testing.T) {
	patterns := []string{
		"/", "/{$}", "/static/", "/items/{id}", "PUT /items/new", "GET /items/{id}", "POST /items/{id}/x", "/items/{id}/x",
		"/files/{path...}", "/files/a/{b}/c", "/files/a/b/{c}/d", "example.com/", "example.com/items/{id}", "PURGE /purge/{id}",
		"/sp%61ce%20%2F/x", "c.com/{a}/{b}/{$}",
	}
	r := newRouter(t, patterns...)
	slices.Reverse(patterns)
	reversed := newRouter(t, patterns...)
	for _, test := range []struct {
		request, want string
		values        string // of the wildcards id, path, a, b, c
	}{
		{"GET /", "/{$}", ""},
		{"GET /x", "/", ""},
		{"GET //", "/", ""},
		{"GET /static", "/", ""},
		{"GET /static/", "/static/", ""},
		{"GET /static/a/b", "/static/", ""},
		{"PUT /items/new", "PUT /items/new", ""},
		{"PUT /items/7", "/items/{id}", "id=7"},
		{"GET /items/7", "GET /items/{id}", "id=7"},
		{"HEAD /items/7", "GET /items/{id}", "id=7"},
		{"HEAD /items/7%2F+%41", "GET /items/{id}", "id=7/+A"},
		{"GET /items/", "/", ""},
		{"GET /items/7/x", "/items/{id}/x", "id=7"},
		{"POST /items/7/x", "POST /items/{id}/x", "id=7"},
		{"GET /items/7/y", "/", ""},
		{"GET /files/", "/files/{path...}", ""},
		{"GET /files/a%20b/../c/", "/files/{path...}", "path=a b/../c/"},
		{"GET /files/a/b/c", "/files/a/{b}/c", "b=b"},
		{"GET /files/a/b/c/d", "/files/a/b/{c}/d", "c=c"},
		{"GET /files/a/b/x/y", "/files/{path...}", "path=a/b/x/y"},
		{"GET example.com/items/7", "example.com/items/{id}", "id=7"},
		{"GET EXAMPLE.com/items/new", "example.com/items/{id}", "id=new"},
		{"GET example.com/other", "example.com/", ""},
		{"GET example.org/other", "/", ""},
		{"PURGE /purge/y", "PURGE /purge/{id}", "id=y"},
		{"get /items/7", "/items/{id}", "id=7"},
		{"GET /space%20%2f/x", "/sp%61ce%20%2F/x", ""},
		{"GET /space%20//x", "/", ""},
		{"GET c.com/1/2/", "c.com/{a}/{b}/{$}", "a=1 b=2"},
		{"OPTIONS *", "", ""},
		{"GET ", "", ""},
	} {
		var m Match
		for _, r := range []*Router[string]{r, reversed} {
			got := find(r, &m, test.request)
			var values []string
			for _, name := range []string{"id", "path", "a", "b", "c", "none", ""} {
				if v := m.Value(name); v != "" {
					values = append(values, name+"="+v)
				}
			}
			if v := strings.Join(values, " "); v != test.values || got != test.want || m.Pattern() != test.want {
				t.Errorf("%s: %q with %s, want %q with %s", test.request, got, v, test.want, test.values)
			}
		}
	}
}

func TestRouterRefusesPatterns(t *testing.T) {
	for _, p := range []string{
		"", "x", "GET", "GET ", "G(T /", " /", "/a{b}", "/{b}a", "/{}", "/{a b}", "/{$}/a", "/{a...}/b", "/{a}/{a}", "/{a", "/a}",
		"/a//b", "//", "/./a", "/a/..", "{host}/", "GET a b/", "/{...}", "/{1}",
	} {
		var r Router[int]
		if err := r.Handle(p, 1); !errors.Is(err, ErrPattern) || r.Len() != 0 {
			t.Errorf("%q: %v, want ErrPattern", p, err)
		}
	}
}

func TestRouterRefusesConflicts(t *testing.T) {
	for _, test := range []struct {
		a, b     string
		conflict bool
	}{
		{"/a", "/a", true},
		{"/a", "/%61", true},
		{"/{x}", "/{y}", true},
		{"/a/", "/a/{x...}", true},
		{"/{x}/b", "/a/{y}", true},
		{"GET /{x}", "/a", true},
		{"HEAD /{x}", "GET /a", true},
		{"/a/{x}", "/{y}/", false},
		{"/{x}/b/", "/a/{y...}", true},
		{"GET a.com/", "A.com/", false},
		{"a.com/x", "A.COM/x", true},
		{"GET /a", "POST /a", false},
		{"GET /a", "HEAD /a", false},
		{"GET /a", "/a", false},
		{"GET /a", "/", false},
		{"/{$}", "/{x}", false},
		{"/{$}", "/", false},
		{"/a/{x}", "/a", false},
		{"a.com/{x}", "/a", false},
	} {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			r := newRouter(t, pair[0])
			err := r.Handle(pair[1], "second")
			if errors.Is(err, ErrConflict) != test.conflict || (err == nil) == test.conflict || test.conflict && r.Len() != 1 {
				t.Errorf("%q after %q: %v", pair[1], pair[0], err)
			}
		}
	}
}

func TestRouterRemove(t *testing.T) {
	r := newRouter(t, "/a", "/a/{b}", "/a/{b}/", "/")
	var m Match
	if r.Remove("/b") || !r.Remove("/a/{b}") || r.Remove("/a/{b}") || r.Len() != 3 {
		t.Errorf("%d patterns left", r.Len())
	}
	if got := find(r, &m, "GET /a/b"); got != "/" {
		t.Errorf("found %q after Remove", got)
	}
	if err := r.Handle("/a/{c}", "again"); err != nil || find(r, &m, "GET /a/b") != "again" {
		t.Errorf("added again: %v", err)
	}
}

func TestEmptyRouter(t *testing.T) {
	var r Router[string]
	var m Match
	if got := find(&r, &m, "GET a.com/"); got != "" || r.Allowed([]byte("a.com"), []byte("/")) != nil || m.Value("x") != "" {
		t.Errorf("found %q", got)
	}
	if r.WantsSlash(&m, []byte("GET"), nil, []byte("/a")) || r.WantsSlash(&m, nil, nil, nil) {
		t.Error("wants a slash")
	}
}

func TestRouterDoesNotAllocate(t *testing.T) {
	r := newRouter(t, "example.com/", "GET /a/{b}/c/{d...}", "GET /a/b%20c/x/{y}/z", "/")
	var m Match
	method, host, path := []byte("HEAD"), []byte("Example.ORG"), []byte("/a/b%20c/c/d/e")
	value := make([]byte, 0, 20)
	lookup := func() {
		if got, ok := r.Lookup(&m, method, host, path); !ok || got != "GET /a/{b}/c/{d...}" {
			t.Fatal(got)
		}
		value, _ = m.AppendValue(value[:0], "b")
	}
	lookup()
	if n := testing.AllocsPerRun(100, lookup); n != 0 || string(value) != "b c" {
		t.Errorf("%v allocations, value %q", n, value)
	}
}

// TestRouterAgreesWithServeMux adds random patterns to both and sends both
// random requests.
func TestRouterAgreesWithServeMux(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	requests, conflicts := 0, 0
	for range 300 {
		var router Router[string]
		mux := http.NewServeMux()
		for range 12 {
			p := pick("", "", "", "GET ", "HEAD ", "POST ") + pick("", "", "", "a.com", "b.com")
			for i := range 1 + r.IntN(3) {
				p += pick("/a", "/b", "/c%20", "/a", fmt.Sprintf("/{w%d}", i))
			}
			p += pick("", "", "", "/", "/{$}", "/{rest...}")
			err := router.Handle(p, p)
			if theirs := muxHandle(mux, p); (err != nil) != (theirs != nil) {
				t.Fatalf("%q: %v, ServeMux: %v", p, err, theirs)
			}
			if err != nil {
				conflicts++
			}
		}
		for range 60 {
			method, host, path := pick("GET", "HEAD", "POST", "PUT"), pick("a.com", "b.com", "c.com"), ""
			for range 1 + r.IntN(3) {
				path += pick("/a", "/b", "/c%20", "/d")
			}
			path += pick("", "", "/")
			if got, want := askRouter(&router, method, host, path), askMux(mux, method, host, path); got != want {
				t.Fatalf("%s %s%s: %s, ServeMux: %s", method, host, path, got, want)
			}
			requests++
		}
	}
	t.Logf("%d requests and %d refused patterns, all the same", requests, conflicts)
}

func muxHandle(mux *http.ServeMux, p string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	mux.HandleFunc(p, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Pattern", fmt.Sprint(p, " ", r.PathValue("w0"), r.PathValue("w1"), r.PathValue("w2"), r.PathValue("rest")))
	})
	return nil
}

func askMux(mux *http.ServeMux, method, host, path string) string {
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(method, "http://"+host+path, nil))
	switch w.Code {
	case http.StatusOK:
		return w.Header().Get("Pattern")
	case http.StatusMethodNotAllowed:
		return w.Header().Get("Allow")
	case http.StatusNotFound:
		return "none"
	default:
		return "slash"
	}
}

func askRouter(r *Router[string], method, host, path string) string {
	var m Match
	if r.WantsSlash(&m, []byte(method), []byte(host), []byte(path)) {
		return "slash"
	}
	if p, ok := r.Lookup(&m, []byte(method), []byte(host), []byte(path)); ok {
		return fmt.Sprint(p, " ", m.Value("w0"), m.Value("w1"), m.Value("w2"), m.Value("rest"))
	}
	if allowed := r.Allowed([]byte(host), []byte(path)); allowed != nil {
		return strings.Join(allowed, ", ")
	}
	return "none"
}

// FuzzRouter checks that a pattern that is no wildcard matches its own path, and
// that what a wildcard stands for is a part of the path.
func FuzzRouter(f *testing.F) {
	f.Add("GET /a/{b}/c", "/{rest...}", "/a/x%2F/c")
	f.Add("a.com/{$}", "/a/{b...}", "//")
	f.Fuzz(func(t *testing.T, first, second, path string) {
		var r Router[string]
		var m Match
		for _, p := range []string{first, second} {
			err := r.Handle(p, p)
			if err != nil && !errors.Is(err, ErrPattern) && !errors.Is(err, ErrConflict) {
				t.Fatal(err)
			}
			plain := strings.HasPrefix(p, "/") && !strings.HasSuffix(p, "/") && !strings.ContainsAny(p, "{}")
			if got, ok := r.Lookup(&m, []byte("GET"), nil, []byte(p)); err == nil && plain && (!ok || got != p) {
				t.Fatalf("%q is not its own match but %q", p, got)
			}
		}
		if _, ok := r.Lookup(&m, []byte("GET"), []byte("a.com"), []byte(path)); !ok {
			return
		}
		for i, name := range m.pattern.names {
			if raw := string(m.values[i]); !strings.Contains(path, raw) || name != "" && m.Value(name) != evuri.Decode(raw) {
				t.Fatalf("%q in %q: %q is %q", name, path, raw, m.Value(name))
			}
		}
	})
}

func BenchmarkRouterLookup(b *testing.B) {
	var r Router[int]
	for i := range 100 {
		if err := r.Handle(fmt.Sprintf("GET /service%d/{id}/items/{item}", i), i); err != nil {
			b.Fatal(err)
		}
	}
	var m Match
	method, path := []byte("GET"), []byte("/service42/17/items/4")
	b.ReportAllocs()
	for b.Loop() {
		r.Lookup(&m, method, nil, path)
	}
}
