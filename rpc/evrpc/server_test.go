package evrpc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// hi is the encoding of a Text with "hi".
const hi = "\x01\x02hi"

// post returns a request of an RPC as clients in C send it, but for Connection.
func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// TestWhatServersAnswer has what was tried with a server in C.
func TestWhatServersAnswer(t *testing.T) {
	f := newFixture(t, 0)
	f.echo()
	must(t, evrpc.Register(f.server, "Incomplete", func(c *evrpc.Call[Text, Text]) {
		wantErr(t, "incomplete reply", c.Done(), errMissing)
		wantErr(t, "again", c.Done(), evrpc.ErrDone)
	}))
	must(t, evrpc.Register(f.server, "Fails", func(c *evrpc.Call[Text, Text]) {
		must(t, c.Fail())
		wantErr(t, "Fail twice", c.Fail(), evrpc.ErrDone)
	}))
	must(t, evrpc.Register(f.server, "Empty", func(c *evrpc.Call[Text, Optional]) { must(t, c.Done()) }))
	const ok, failed = "200 OK", "503 Service Unavailable"
	for _, test := range []struct{ what, raw, want string }{
		{"a request", post("/.rpc.Echo", hi), ok},
		{"fields in another order", post("/.rpc.Echo", "\x02\x01\x05"+hi), ok},
		{"a query", post("/.rpc.Echo?x=y", hi), ok},
		{"an escaped path", post("/%2erpc.Echo", hi), ok},
		{"with a Host field", strings.Replace(post("/.rpc.Echo", hi), "\r\n", "\r\nHost: a\r\n", 1), ok},
		{"in chunks", "POST /.rpc.Echo HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\x01\r\n3\r\n\x02hi\r\n0\r\n\r\n", ok},
		{"HTTP/1.0", "POST /.rpc.Echo HTTP/1.0\r\nContent-Length: 4\r\n\r\n" + hi, ok},
		{"an empty reply", post("/.rpc.Empty", hi), ok},
		{"GET", "GET /.rpc.Echo HTTP/1.1\r\nConnection: close\r\n\r\n", failed},
		{"GET with a body", "GET /.rpc.Echo HTTP/1.1\r\nConnection: close\r\nContent-Length: 4\r\n\r\n" + hi, failed},
		{"PUT", strings.Replace(post("/.rpc.Echo", hi), "POST", "PUT", 1), failed},
		{"no body", post("/.rpc.Echo", ""), failed},
		{"junk", post("/.rpc.Echo", "\xff\xff\xff\xff\xff\xff"), failed},
		{"a part", post("/.rpc.Echo", "\x01\x02h"), failed},
		{"a field twice", post("/.rpc.Echo", hi+hi), failed},
		{"another tag", post("/.rpc.Echo", "\x03\x00"+hi), failed},
		{"without a field that has to be set", post("/.rpc.Echo", "\x02\x01\x05"), failed},
		{"a reply without a field that has to be set", post("/.rpc.Incomplete", hi), failed},
		{"a handler that fails", post("/.rpc.Fails", hi), failed},
		{"another RPC", post("/.rpc.Other", hi), "400 Bad Request"},
		{"another RPC with a Host field", strings.Replace(post("/.rpc.Other", hi), "\r\n", "\r\nHost: a\r\n", 1), "404 Not Found"},
	} {
		got := f.talk(test.raw)
		if !strings.HasPrefix(got, "HTTP/1.1 "+test.want+"\r\n") {
			t.Errorf("%s: %q, want %s", test.what, got, test.want)
		}
		if n := f.server.Pending(); n != 0 {
			t.Errorf("%s: %d calls are under way", test.what, n)
		}
	}
}

func TestAReplyIsWhatCWouldSend(t *testing.T) {
	f := newFixture(t, 0)
	f.echo()
	got := f.talk(post("/.rpc.Echo", hi))
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	for _, line := range []string{"HTTP/1.1 200 OK", "Content-Type: application/octet-stream", "Content-Length: 4"} {
		if !strings.Contains(head+"\r\n", line+"\r\n") {
			t.Errorf("head %q has no %q", head, line)
		}
	}
	if body != hi {
		t.Errorf("body %q, want %q", body, hi)
	}
}

func TestRequestsHaveALimit(t *testing.T) {
	f := newFixture(t, 0)
	if n := f.server.MaxRequestSize(); n != evrpc.DefaultMaxRequestSize {
		t.Errorf("by default requests may have %d bytes", n)
	}
	f.server.SetMaxRequestSize(10)
	f.echo()
	for size, want := range map[int]string{8: "200", 9: "413"} {
		body := "\x01" + string(rune(size)) + strings.Repeat("x", size)
		if got := f.talk(post("/.rpc.Echo", body)); !strings.HasPrefix(got, "HTTP/1.1 "+want) {
			t.Errorf("a request of %d bytes: %q", len(body), got)
		}
	}
	f.server.SetMaxRequestSize(-1)
	if n := f.server.MaxRequestSize(); n != -1 {
		t.Errorf("without a limit requests may have %d bytes", n)
	}
}

func TestNamesOfRPCs(t *testing.T) {
	f := newFixture(t, 0)
	fn := func(c *evrpc.Call[Text, Text]) {}
	for name, want := range map[string]error{
		"A": nil, "a_1": nil, "pkg.Service-2": nil,
		"": evrpc.ErrInvalid, "a b": evrpc.ErrInvalid, "a/b": evrpc.ErrInvalid, "é": evrpc.ErrInvalid,
		"a%41": evrpc.ErrInvalid, "a?b": evrpc.ErrInvalid, strings.Repeat("x", 256): evrpc.ErrInvalid,
	} {
		wantErr(t, "register "+name, evrpc.Register(f.server, name, fn), want)
		if want == nil {
			wantErr(t, "register again "+name, evrpc.Register(f.server, name, fn), evrpc.ErrTaken)
			must(t, f.server.Unregister(name))
		}
		wantErr(t, "unregister "+name, f.server.Unregister(name), evrpc.ErrNotFound)
		_, err := f.pool.NewCall(name, new(Text), new(Text), nil)
		wantErr(t, "new call of "+name, err, want)
	}
}

func TestRegisterRefusesWhatCannotBe(t *testing.T) {
	f := newFixture(t, 0)
	message := func() evrpc.Message { return new(Text) }
	handler := func(*evrpc.ServerCall) {}
	for _, r := range []*evrpc.RPC{nil, {}, {Name: "A"}, {Name: "A", NewRequest: message, NewReply: message}, {Name: "A", NewRequest: message, Handler: handler}} {
		wantErr(t, fmt.Sprintf("register %+v", r), f.server.RegisterRPC(r), evrpc.ErrInvalid)
	}
	wantErr(t, "register nothing", evrpc.Register[Text, Text](f.server, "A", nil), evrpc.ErrInvalid)
	_, err := evrpc.NewServer(nil, nil)
	wantErr(t, "new server", err, evrpc.ErrInvalid)
	must(t, f.web.Handle("/.rpc.Taken", nil))
	wantErr(t, "a path that has a handler", evrpc.Register(f.server, "Taken", func(*evrpc.Call[Text, Text]) {}), evrpc.ErrTaken)
}

func TestUnregisteredWhileUnderWay(t *testing.T) {
	f := newFixture(t, 2)
	var kept *evrpc.Call[Text, Text]
	must(t, evrpc.Register(f.server, "Keep", func(c *evrpc.Call[Text, Text]) { kept = c }))
	r := f.start("Keep", "a")
	f.await("a call", func() bool { return kept != nil })
	must(t, f.server.Unregister("Keep"))
	f.call("Keep", "b").wantStatus(t, evrpc.StatusBadPayload, evrpc.ErrAnswer)
	kept.Reply().SetText("late")
	must(t, kept.Done())
	f.finish(r).wantText(t, "late")
}

func TestAServerIsFreedWhileCallsAreUnderWay(t *testing.T) {
	f := newFixture(t, 3)
	var kept []*evrpc.Call[Text, Text]
	keep := func(c *evrpc.Call[Text, Text]) { kept = append(kept, c) }
	must(t, evrpc.Register(f.server, "Keep", keep))
	_, err := f.server.AddHook(evrpc.InputHook, func(x *evrpc.Exchange, body *evbuffer.Buffer) evrpc.HookResult {
		if body.Len() > 10 {
			return evrpc.HookPause
		}
		return evrpc.HookContinue
	})
	must(t, err)
	results := []*result{f.start("Keep", "a"), f.start("Keep", "b"), f.start("Keep", "one that is paused")}
	f.await("the calls", func() bool { return f.server.Pending() == 3 && len(kept) == 2 })
	f.server.Free()
	f.server.Free()
	for _, r := range results {
		f.finish(r).wantStatus(t, evrpc.StatusBadPayload, evrpc.ErrAnswer)
	}
	wantErr(t, "Done after Free", kept[0].Done(), evrpc.ErrDone)
	wantErr(t, "register after Free", evrpc.Register(f.server, "Keep", keep), evrpc.ErrFreed)
	f.call("Keep", "c").wantStatus(t, evrpc.StatusBadPayload)
}

func TestAServerIsFreedByAHandlerAndAHook(t *testing.T) {
	for name, free := range map[string]func(f *fixture){
		"the server":   func(f *fixture) { f.server.Free() },
		"that of HTTP": func(f *fixture) { f.web.Free() },
	} {
		for _, where := range []string{"handler", "input hook", "output hook"} {
			t.Run(name+" by "+where, func(t *testing.T) {
				f := newFixture(t, 1)
				must(t, evrpc.Register(f.server, "Free", func(c *evrpc.Call[Text, Text]) {
					c.Reply().SetText("x")
					if where == "handler" {
						free(f)
					}
					if err := c.Done(); (where == "input hook") != (err == nil) && where != "handler" {
						wantErr(t, "Done", err, evrpc.ErrDone)
					}
				}))
				for where2, hook := range map[string]evrpc.HookType{"input hook": evrpc.InputHook, "output hook": evrpc.OutputHook} {
					_, err := f.server.AddHook(hook, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
						if where == where2 {
							free(f)
						}
						return evrpc.HookContinue
					})
					must(t, err)
				}
				if r := f.call("Free", "a"); r.err == nil {
					t.Errorf("a reply %+v from a server that is gone", r.reply)
				}
				if n := f.server.Pending(); n != 0 {
					t.Errorf("%d calls are under way", n)
				}
			})
		}
	}
}

func TestAClientThatHasGoneEndsTheCall(t *testing.T) {
	f := newFixture(t, 1)
	var kept *evrpc.Call[Text, Text]
	must(t, evrpc.Register(f.server, "Keep", func(c *evrpc.Call[Text, Text]) { kept = c }))
	call, err := f.pool.MakeRequest("Keep", textOf("a"), new(Text), nil)
	must(t, err)
	f.await("the call", func() bool { return kept != nil })
	ctx := kept.Context()
	call.Cancel()
	f.await("the end of the call", func() bool { return f.server.Pending() == 0 })
	if ctx.Err() == nil {
		t.Error("the context is not done")
	}
	kept.Reply().SetText("x")
	wantErr(t, "Done", kept.Done(), evrpc.ErrDone)
	wantErr(t, "Resume", kept.Resume(evrpc.HookContinue), evrpc.ErrNotPaused)
}

func TestAServerOfUntypedMessages(t *testing.T) {
	f := newFixture(t, 1)
	message := func() evrpc.Message { return new(Text) }
	must(t, f.server.RegisterRPC(&evrpc.RPC{Name: "Swap", NewRequest: message, NewReply: message, Handler: func(c *evrpc.ServerCall) {
		if c.Name() != "Swap" || c.Server() != f.server || c.HTTP().URI() != "/.rpc.Swap" || c.Conn().Base() != f.base {
			t.Errorf("call of %s by %s", c.Name(), c.HTTP().URI())
		}
		c.Reply().(*Text).SetText("<" + c.Request().(*Text).Text() + ">")
		must(t, c.Done())
	}}))
	f.call("Swap", "a").wantText(t, "<a>")
	if f.server.HTTP() != f.web {
		t.Error("another server of HTTP")
	}
}

// TestMessagesAreUsedAgainEmpty has calls that set less than those before.
func TestMessagesAreUsedAgainEmpty(t *testing.T) {
	f := newFixture(t, 1)
	must(t, evrpc.Register(f.server, "N", func(c *evrpc.Call[Text, Text]) {
		if c.Reply().hasText || c.Reply().hasN || c.Request().hasN != (c.Request().Text() == "n") {
			t.Errorf("request %+v, reply %+v", c.Request(), c.Reply())
		}
		if _, found := c.FindMeta("key"); found || c.Data != nil {
			t.Error("data of another call")
		}
		c.AddMeta("key", []byte("x"))
		c.Data = 1
		c.Reply().SetText("x")
		c.Reply().SetN(c.Request().N())
		must(t, c.Done())
	}))
	for _, text := range []string{"n", "other", "n", "other"} {
		request := textOf(text)
		if text == "n" {
			request.SetN(7)
		}
		r := new(result)
		_, err := evrpc.MakeRequest(f.pool, "N", request, func(reply *Text, err error) { r.reply, r.err, r.over = reply, err, 1 })
		must(t, err)
		if f.finish(r); r.err != nil || r.reply.N() != request.N() {
			t.Errorf("%s: reply %+v, %v", text, r.reply, r.err)
		}
	}
}

// TestAnsweredAtOnceCostsNoMemory is about what evrpc adds on both sides.
func TestAnsweredAtOnceCostsNoMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	f := newFixture(t, 1)
	must(t, evrpc.Register(f.server, "N", func(c *evrpc.Call[Optional, Optional]) {
		c.Reply().n = c.Request().n
		c.Done()
	}))
	over := false
	request, reply := &Optional{7}, new(Optional)
	call, err := f.pool.NewCall("N", request, reply, func(*evrpc.ClientCall) { over = true })
	must(t, err)
	once := func() {
		over = false
		must(t, call.Start())
		for !over {
			evtest.Turn(t, f.base)
		}
		if call.Err() != nil || reply.n != 7 {
			t.Fatal(call.Err(), reply)
		}
	}
	once()
	if n := testing.AllocsPerRun(100, once); n > 0 {
		t.Errorf("a call takes %v allocations", n)
	}
}

// TestACallThatIsKeptThoughItWasAnswered may do nothing, whatever it is used for by then.
func TestACallThatIsKeptThoughItWasAnswered(t *testing.T) {
	f := newFixture(t, 1)
	var kept *evrpc.Call[Text, Text]
	must(t, evrpc.Register(f.server, "Keep", func(c *evrpc.Call[Text, Text]) {
		kept = c
		c.Reply().SetText("x")
		must(t, c.Done())
	}))
	f.call("Keep", "a").wantText(t, "x")
	wantErr(t, "Done", kept.Done(), evrpc.ErrDone)
	wantErr(t, "Fail", kept.Fail(), evrpc.ErrDone)
	wantErr(t, "Resume", kept.Resume(evrpc.HookContinue), evrpc.ErrNotPaused)
	if kept.Context().Err() == nil || kept.HTTP() != nil || kept.Conn() != nil {
		t.Error("it has a request")
	}
}
