//go:build unix

package interop

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// cPeer compiles testdata/evhttp.c: C's evhttp.
func cPeer(t testing.TB) string {
	t.Helper()
	return compileC(t, "evhttp", "-levent_core", "-levent_extra")
}

// counting is the body that the C program sends.
func counting(n int) string {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i % 251)
	}
	return string(p)
}

// says is what the C program says about a body.
func says(code int, body string) string {
	h := fnv.New32a()
	h.Write([]byte(body))
	return fmt.Sprintf("%d %d %08x", code, len(body), h.Sum32())
}

// numbered are the lines that /chunks has.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

// TestCClient has C's client at our server: a request after the other, and all of
// them queued.
func TestCClient(t *testing.T) {
	c, s := cPeer(t), serve(t)
	steps := []struct{ step, want string }{
		{"GET:/hello:0", says(200, "Hello, world\n")},
		{"HEAD:/hello:0", says(200, "")},
		{"GET:/later:0", says(200, "later\n")},
		{"POST:/echo:5", says(200, counting(5))},
		{"POST:/echo:0", says(200, "")},
		{"PUT:/echo:3000000", says(200, counting(3000000))},
		{"PUT:/stream:3000000", says(200, counting(3000000))},
		{"+POST:/echo:100000", says(200, counting(100000))},
		{"+PUT:/stream:100000", says(200, counting(100000))},
		{"GET:/chunks/100:0", says(200, numbered(100))},
		{"GET:/files/long.bin:0", says(200, string(noise(long)))},
		{"GET:/status/204:0", says(204, "")},
		{"DELETE:/status/503:0", says(503, "")},
		{"GET:/status/304:0", says(304, "")},
		{"GET:/hello:0", says(200, "Hello, world\n")},
	}
	for _, mode := range []string{"client", "queue"} {
		t.Run(mode, func(t *testing.T) {
			args, want := []string{mode, strconv.Itoa(int(s.addr.Port()))}, []string(nil)
			for _, x := range steps {
				args, want = append(args, x.step), append(want, x.step+" "+x.want)
			}
			before := s.connections()
			got := strings.Split(strings.TrimSpace(start(t, nil, c, args...).ends()), "\n")
			if !slices.Equal(got, want) {
				t.Errorf("C got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if n := s.connections() - before; n != 1 {
				t.Errorf("over %d connections, want 1", n)
			}
		})
	}
}

// TestCClientManyRequests has hundreds of requests queued.
func TestCClientManyRequests(t *testing.T) {
	c, s := cPeer(t), serve(t)
	args := []string{"queue", strconv.Itoa(int(s.addr.Port()))}
	for range 500 {
		args = append(args, "GET:/hello:0", "POST:/echo:1000")
	}
	counts := make(map[string]int)
	for line := range strings.Lines(start(t, nil, c, args...).ends()) {
		counts[strings.TrimSpace(line)]++
	}
	for _, line := range []string{"GET:/hello:0 " + says(200, "Hello, world\n"), "POST:/echo:1000 " + says(200, counting(1000))} {
		if counts[line] != 500 {
			t.Errorf("%d answers %q, want 500", counts[line], line)
		}
	}
}

// startCServer starts C's server, and returns its address.
func startCServer(t testing.TB) string {
	t.Helper()
	return "127.0.0.1:" + start(t, nil, cPeer(t), "serve").match(t, `port (\d+)\n`)
}

// TestCServer has C's server behind our client.
func TestCServer(t *testing.T) {
	c := newClient(t, startCServer(t))
	c.want(200, "Hello, world\n", "GET", "/hello")
	c.want(200, "", "HEAD", "/hello")
	c.want(200, "Hello, world\n", "GET", "/later")
	c.want(200, numbered(100), "GET", "/chunks")
	c.want(200, counting(3000000), "GET", "/long")
	if got := c.download("/long"); got.body != counting(3000000) || got.err != nil {
		t.Errorf("as it comes: got %d bytes, %v", len(got.body), got.err)
	}
	if got := c.do("GET", "/none", ""); got.code != 404 || got.err != nil {
		t.Errorf("nothing there: got %d, %v", got.code, got.err)
	}
	for range 3 {
		c.want(200, "Hello, world\n", "GET", "/close")
	}
	for _, n := range []int{0, 1, 100_000, 3_000_000} {
		for _, header := range [][]string{nil, {"Expect: 100-continue"}} {
			if got := c.do("POST", "/echo", counting(n), header...); got.code != 200 || got.body != counting(n) || got.err != nil {
				t.Errorf("%d bytes with %q: got %d and %d bytes, %v", n, header, got.code, len(got.body), got.err)
			}
			got := c.upload("/echo", inParts(counting(n), 50_000), header...)
			if got.code != 200 || got.body != counting(n) || got.err != nil {
				t.Errorf("%d bytes in parts with %q: got %d and %d bytes, %v", n, header, got.code, len(got.body), got.err)
			}
		}
	}
	if got := c.do("POST", "/echo", counting(9_000_000), "Expect: 100-continue"); got.code != 413 {
		t.Errorf("a body that is too long: got %d, %v", got.code, got.err)
	}
	c.want(200, "Hello, world\n", "GET", "/hello")
}

// TestCServerManyRequests has hundreds of requests waiting.
func TestCServerManyRequests(t *testing.T) {
	c := newClient(t, startCServer(t))
	paths := []string{"/hello", "/close", "/later"}
	answers := 0
	for i := range 300 {
		c.begin(func(a answer) {
			answers++
			if a.code != 200 || a.body != "Hello, world\n" || a.err != nil {
				t.Errorf("%s: got %d, %q, %v", paths[i%3], a.code, a.body, a.err)
			}
		}, "GET", paths[i%3], "")
	}
	c.await()
	if answers != 300 {
		t.Errorf("%d answers", answers)
	}
}
