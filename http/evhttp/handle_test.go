package evhttp

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// saying returns a handler that says what it is, and what the wildcards are.
func saying(name string) Handler {
	return func(r *Request) {
		r.SendReply(200, "", bufferOf(name+":"+r.PathValue("x")+r.PathValue("rest")))
	}
}

// bodyFor returns status and body of the answer to a request.
func bodyFor(t *testing.T, addr, method, host, target string) string {
	t.Helper()
	got := talk(t, addr, method+" "+target+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	status := strings.Fields(head + " none none")[1]
	for _, name := range []string{"Allow", "Location"} {
		if m := regexp.MustCompile(name + ": ([^\r]*)").FindStringSubmatch(head); m != nil {
			return status + " " + m[1]
		}
	}
	if status != "200" {
		return status
	}
	return body
}

func TestWhoAnswers(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		example, sub := NewServer(s.base), NewServer(s.base)
		sub.SetGenericCallback(saying("sub"))
		example.Handle("/", saying("example"))
		example.AddAlias("alias.test")
		for _, err := range []error{
			s.Handle("/exact", saying("exact")),
			s.Handle("/a b", saying("space")),
			s.HandlePattern("GET /items/{x}", saying("item")),
			s.HandlePattern("POST /items/{x}", saying("posted")),
			s.HandlePattern("/files/{rest...}", saying("file")),
			s.HandlePattern("/exact/", saying("below")),
			s.HandlePattern("pattern.test/{x}", saying("host")),
			s.AddVirtualHost("*.example.com", example),
			example.AddVirtualHost("sub.*", sub),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		wantErr(t, s.Handle("/exact", nil), ErrTaken)
		wantErr(t, s.HandlePattern("GET /items/{y}", nil), ErrConflict)
		wantErr(t, s.HandlePattern("nonsense", nil), ErrPattern)
		wantErr(t, s.Unhandle("/none"), ErrNotFound)
		wantErr(t, s.UnhandlePattern("/none"), ErrNotFound)
		wantErr(t, s.AddVirtualHost("x", example), ErrVirtualHost)
		wantErr(t, s.RemoveVirtualHost(s), ErrNotFound)
		wantErr(t, s.RemoveAlias("none"), ErrNotFound)
	})
	for _, test := range []struct{ method, host, target, want string }{
		{"GET", "a", "/exact", "exact:"},
		{"GET", "a", "/exact?query", "exact:"},
		{"GET", "a", "/%65xact", "exact:"},
		{"GET", "a", "/a%20b", "space:"},
		{"GET", "a", "/exact/more", "below:"},
		{"GET", "a", "/Exact", "404"},
		{"GET", "a", "/items/7", "item:7"},
		{"HEAD", "a", "/items/7", ""},
		{"POST", "a", "/items/7", "posted:7"},
		{"PUT", "a", "/items/7", "405 GET, HEAD, POST"},
		{"GET", "a", "/items/a%2fb", "item:a/b"},
		{"GET", "a", "/files/a/b", "file:a/b"},
		{"GET", "a", "/files", "301 ./files/"},
		{"GET", "a", "//evil.test/../files?q", "404"},
		{"GET", "pattern.test:80", "/y", "host:y"},
		{"GET", "PATTERN.test", "/y", "host:y"},
		{"GET", "www.example.com", "/", "example:"},
		{"GET", "www.Example.com:81", "/", "example:"},
		{"GET", "alias.test", "/", "example:"},
		{"GET", "www.example.com", "/exact", "404"},
		{"GET", "sub.example.com", "/any", "sub:"},
		{"GET", "b", "http://www.example.com/", "example:"},
		{"BREW", "a", "/exact", "501"},
		{"OPTIONS", "a", "*", "405 GET, POST, HEAD, PUT, DELETE"},
	} {
		host := test.host
		if strings.HasPrefix(test.target, "http:") {
			host = "www.example.com"
		}
		wantSame(t, test.method+" "+test.host+test.target, bodyFor(t, addr, test.method, host, test.target), test.want)
	}
	on(func() {
		if s.Unhandle("/exact") != nil || s.UnhandlePattern("/files/{rest...}") != nil {
			t.Error("handlers cannot be removed")
		}
		s.SetGenericCallback(saying("generic"))
	})
	for target, want := range map[string]string{"/exact": "301 ./exact/", "/a": "generic:", "/files/a": "generic:", "/items/7": "item:7"} {
		wantSame(t, target, bodyFor(t, addr, "GET", "a", target), want)
	}
}

func TestExtensionMethods(t *testing.T) {
	const brew, when = MethodMax << 1, MethodMax << 2
	s, addr, on := serve(t)
	on(func() {
		s.SetGenericCallback(func(r *Request) {
			if (r.Command() == brew) != (r.Method() == "BREW") {
				t.Errorf("method %s is %d", r.Method(), r.Command())
			}
			r.SendReply(200, "", bufferOf(r.Method()))
		})
		for _, err := range []error{s.AddMethod("BREW", brew), s.AddMethod("WHEN", when)} {
			if err != nil {
				t.Error(err)
			}
		}
		wantErr(t, s.AddMethod("GET", MethodMax<<3), ErrTaken)
		wantErr(t, s.AddMethod("BREW", MethodMax<<3), ErrTaken)
		wantErr(t, s.AddMethod("OTHER", brew), ErrTaken)
		wantErr(t, s.AddMethod("OTHER", MethodGet), ErrInvalid)
		wantErr(t, s.AddMethod("OTHER", brew|when), ErrInvalid)
		wantErr(t, s.AddMethod("NO TOKEN", MethodMax<<3), ErrInvalid)
		s.SetAllowedMethods(MethodGet | brew)
	})
	for method, want := range map[string]string{"BREW": "BREW", "GET": "GET", "WHEN": "405 GET, BREW", "POST": "405 GET, BREW", "brew": "501"} {
		wantSame(t, method, bodyFor(t, addr, method, "a", "/"), want)
	}
}

func TestErrorPages(t *testing.T) {
	s, addr, on := serve(t)
	ours := func(r *Request, code int, reason string) bool {
		r.Output().AddString("our own ")
		r.OutputHeaders().Set("Content-Type", "text/plain")
		return code == 404 && reason == "Not Found"
	}
	on(func() { s.SetErrorCallback(ours) })
	got := talk(t, addr, get("/none"))
	wantPart(t, "custom page", got, "Content-Type: text/plain\r\n\r\nour own ")
	got = talk(t, addr, "nonsense\r\n\r\n")
	wantPart(t, "page of the server", got, "<h1>400 Bad Request</h1>")
	if strings.Contains(got, "our own") || !strings.Contains(got, "Connection: close\r\n") {
		t.Errorf("got %q", got)
	}
	on(func() {
		s.SetErrorCallback(nil)
		s.Handle("/x", func(r *Request) {
			r.Output().AddString("lost")
			r.SendError(400, "<b>&")
		})
	})
	wantPart(t, "reason", talk(t, addr, get("/x")), "HTTP/1.1 400 <b>&\r\n")
	wantPart(t, "escaped reason", talk(t, addr, get("/x")), "<h1>400 &lt;b&gt;&amp;</h1>")
}

func TestSettingsThatCannotBe(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		wantErr(t, s.SetFlags(8), ErrInvalid)
		wantErr(t, s.SetFlags(ServerLingeringClose), nil)
		wantErr(t, s.SetDefaultContentType("a\r\nb: c"), ErrInvalid)
		wantErr(t, s.SetDefaultContentType("x/y"), nil)
		s.Handle("/x", func(r *Request) { r.SendReply(200, "", bufferOf("z")) })
	})
	wantPart(t, "default type", talk(t, addr, get("/x")), "Content-Type: x/y\r\n")
	on(func() { s.SetDefaultContentType("") })
	if got := talk(t, addr, get("/x")); strings.Contains(got, "Content-Type") {
		t.Errorf("got %q", got)
	}
}

func TestNewRequestCallbackMayRefuse(t *testing.T) {
	s, addr, on := serve(t)
	on(func() { s.SetNewRequestCallback(func(r *Request) bool { return r.URI() != "/no" }) })
	wantSame(t, "accepted", talk(t, addr, get("/hello")), hello(""))
	wantSame(t, "refused", talk(t, addr, get("/no")), "")
}

func TestServersWriteAccessLogs(t *testing.T) {
	s, addr, on := serve(t)
	var log bytes.Buffer
	on(func() {
		s.SetAccessLog(&log)
		s.Handle("/cut", func(r *Request) {
			r.SendReplyStart(200, "")
			r.SendReplyChunkFunc(bufferOf("abc"), r.Cancel)
		})
	})
	talk(t, addr, "GET /hello?a\"b HTTP/1.1\r\nHost: a\r\nUser-Agent: \x80\r\nReferer: http://r/\r\n\r\nHEAD /none HTTP/1.0\r\n\r\n")
	talk(t, addr, "nonsense\r\n\r\n")
	talk(t, addr, get("/cut"))
	var got string
	on(func() { got = log.String() })
	want := `127.0.0.1 - - [] "GET /hello?a\"b HTTP/1.1" 200 12 "http://r/" "\x80"
127.0.0.1 - - [] "HEAD /none HTTP/1.0" 404 - "-" "-"
127.0.0.1 - - [] "-" 400 111 "-" "-"
127.0.0.1 - - [] "GET /cut HTTP/1.1" 200 3 "-" "-"
`
	wantSame(t, "log", regexp.MustCompile(`\[[^\]]*\]`).ReplaceAllString(got, "[]"), want)
	on(func() { s.SetAccessLog(nil) })
	talk(t, addr, get("/hello"))
}

func TestPartsOfTheTarget(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		s.SetGenericCallback(func(r *Request) {
			u, err := r.ParsedURI()
			if err != nil {
				r.SendReply(200, "", bufferOf("bad"))
				return
			}
			q, err := r.Query()
			if err != nil || r.Major() != 1 || r.Minor() != 1 {
				t.Error(err)
			}
			r.SendReply(200, "", bufferOf(r.Host()+" "+u.Path()+" "+u.Query()+" "+q.Get("a")))
		})
	})
	wantSame(t, "good", bodyFor(t, addr, "GET", "a:80", "/p%20q?a=b%20c&d="), "a /p%20q a=b%20c&d= b c")
	wantSame(t, "brackets", bodyFor(t, addr, "GET", "[::1]:80", "/"), "[::1] /  ")
	wantSame(t, "bad", bodyFor(t, addr, "GET", "a", "/%"), "bad")
}

func TestPeerAddr(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		s.Handle("/x", func(r *Request) {
			c := r.Conn()
			if c.accepted().Server() != s || c.Base() != s.base || c.Bufferevent() == nil {
				t.Error("the connection does not know what it belongs to")
			}
			r.SendReply(200, "", bufferOf(c.PeerAddr().String()))
		})
	})
	c := dial(t, addr)
	io.WriteString(c, get("/x"))
	closeWrite(c)
	wantPart(t, "reply", readAll(t, c), c.LocalAddr().String())
}

func TestHostIsOptionalOnPathsThatSaySo(t *testing.T) {
	s, addr, on := serve(t)
	var asked atomic.Int32
	on(func() {
		s.SetNewRequestCallback(func(*Request) bool { asked.Add(1); return true })
		other := NewServer(s.base)
		for _, err := range []error{
			s.HandleWith("/free", saying("free"), HandleOptions{AllowNoHost: true}),
			s.Handle("/strict", saying("strict")),
			s.HandlePattern("/pattern", saying("pattern")),
			other.Handle("/free", saying("other")),
			s.AddVirtualHost("*.test", other),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		wantErr(t, s.HandleWith("/free", nil, HandleOptions{}), ErrTaken)
	})
	for _, test := range []struct{ head, want string }{
		{"GET /free HTTP/1.1\r\n", "200 OK"},
		{"GET /%66ree?x HTTP/1.1\r\n", "200 OK"},
		{"GET /free HTTP/1.1\r\nHost: a\r\n", "200 OK"},
		{"GET /free HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "400 Bad Request"},
		{"GET http://a/free HTTP/1.1\r\n", "200 OK"},
		{"GET http://v.test/free HTTP/1.1\r\n", "400 Bad Request"},
		{"GET /strict HTTP/1.1\r\n", "400 Bad Request"},
		{"GET /pattern HTTP/1.1\r\n", "400 Bad Request"},
		{"GET /none HTTP/1.1\r\n", "400 Bad Request"},
		{"OPTIONS * HTTP/1.1\r\n", "400 Bad Request"},
	} {
		asked.Store(0)
		got := talk(t, addr, test.head+"Connection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+test.want) {
			t.Errorf("%q: %q", test.head, got)
		}
		if refused := strings.HasPrefix(test.want, "400"); refused != (asked.Load() == 0) {
			t.Errorf("%q: the callback for new requests was called %d times", test.head, asked.Load())
		}
	}
}

func TestAPathHasALimitOfBodiesOfItsOwn(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		s.SetMaxBodySize(10)
		for path, most := range map[string]int64{"/server": 0, "/less": 5, "/more": 20, "/any": -1} {
			if err := s.HandleWith(path, saying(path), HandleOptions{MaxBodySize: most}); err != nil {
				t.Error(err)
			}
		}
	})
	for _, test := range []struct {
		path string
		size int
		want string
	}{
		{"/server", 10, "200"}, {"/server", 11, "413"},
		{"/less", 5, "200"}, {"/less", 6, "413"},
		{"/more", 20, "200"}, {"/more", 21, "413"},
		{"/any", 1000, "200"},
	} {
		body := strings.Repeat("x", test.size)
		for name, framed := range map[string]string{
			"sized":  fmt.Sprintf("Content-Length: %d\r\n\r\n%s", test.size, body),
			"chunks": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", test.size, body),
		} {
			got := talk(t, addr, "POST "+test.path+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"+framed)
			if !strings.HasPrefix(got, "HTTP/1.1 "+test.want) {
				t.Errorf("%s with %d bytes, %s: %q", test.path, test.size, name, got)
			}
		}
	}
}
