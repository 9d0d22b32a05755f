package evhttp

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

// TestStageCallbacksMayEndTheRequest has a callback end its request at each stage, with and
// without a body, and the next request on the connection answered all the same.
func TestStageCallbacksMayEndTheRequest(t *testing.T) {
	for name, end := range map[string]func(r *Request){
		"cancels it":           func(r *Request) { r.Cancel() },
		"closes the stream":    func(r *Request) { r.ClientConn().disconnectForTest() },
		"frees the connection": func(r *Request) { r.Conn().Free() },
	} {
		for _, body := range []string{"", "body"} {
			for _, stage := range []SendStage{SentHead, SentBody} {
				s := newRaw(t, keepsAlive)
				base := newTestBase(t)
				c := connTo(t, base, s.addr())
				o, calls := expectOutcome(), 0
				o.r.Output().AddString(body)
				o.r.SetErrorCallback(func(*Request, error) { o.over = true })
				o.r.SetSendCallback(func(r *Request, at SendStage) {
					if calls++; at == stage {
						end(r)
					}
				})
				must(t, c.MakeRequest(o.r, MethodGet, "/"))
				o.await(t, base)
				if want := int(stage) + 1; calls != want {
					t.Errorf("%s at stage %d, body %q: called %d times, want %d", name, stage, body, calls, want)
				}
				if !c.freed {
					askOn(t, c, "/next").want(t, "200 OK /next")
				}
			}
		}
	}
}

// disconnectForTest ends the request that is under way as a stream does that has failed.
func (c *ClientConn) disconnectForTest() { c.h1.fail(ReqEOF, errClosed) }

// upgrades answers requests for another protocol with 101, and then as keepsAlive.
func upgrades(_ int, c *rawConn) {
	if c.request() != "" {
		c.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n")
		c.awaitEnd()
	}
}

// TestPanicsInCallbacksOfUpgrades checks that a connection goes on that such a callback was
// about, whether the panic passes through the loop or ends there.
func TestPanicsInCallbacksOfUpgrades(t *testing.T) {
	for name, caught := range map[string]bool{"caught": true, "passes": false} {
		t.Run(name, func(t *testing.T) {
			s := newRaw(t, func(n int, c *rawConn) {
				if n == 0 {
					upgrades(n, c)
				} else {
					keepsAlive(n, c)
				}
			})
			base := newTestBase(t)
			client := newTestClient(t, base, ClientConfig{MaxPerHost: 1, SetUp: func(c *ClientConn) error {
				if caught {
					return c.SetPanicCallback(func(*Request, any) {})
				}
				return nil
			}})
			panicked := false
			r := NewRequest(func(*Request) { panicked = true; panic("boom") })
			r.OutputHeaders().Add("Connection", "upgrade")
			r.OutputHeaders().Add("Upgrade", "other")
			must(t, client.MakeRequest(r, MethodGet, s.url()))
			second := getBy(t, client, s.url()+"/second") // it waits for the connection
			for !panicked {
				func() {
					defer func() {
						if value := recover(); value != nil && caught {
							panic(value)
						}
					}()
					_, err := base.Loop(event.LoopOnce)
					must(t, err)
				}()
			}
			if r.Base() != nil {
				t.Error("the request is not over")
			}
			second.await(t, base)
			second.want(t, "200 OK /second")
		})
	}
}

// TestRequestsAreSentAgainAfterAnUpgrade sends a request again in its own callback, once it has
// taken the stream.
func TestRequestsAreSentAgainAfterAnUpgrade(t *testing.T) {
	s := newRaw(t, func(n int, c *rawConn) {
		if n == 0 {
			upgrades(n, c)
		} else {
			keepsAlive(n, c)
		}
	})
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	o, answered := new(outcome), 0
	o.r = NewRequest(func(r *Request) {
		if answered++; answered > 1 {
			o.note()
			return
		}
		b, err := r.Hijack()
		must(t, err)
		b.Free()
		must(t, c.MakeRequest(r, MethodGet, "/again"))
		if err := c.MakeRequest(r, MethodGet, "/twice"); !errors.Is(err, ErrBusy) {
			t.Errorf("error %v", err)
		}
	})
	o.r.OutputHeaders().Add("Upgrade", "other")
	must(t, c.MakeRequest(o.r, MethodGet, "/"))
	o.await(t, base)
	o.want(t, "200 OK /again")
}

// TestRequestsThatWaitGoOnAfterAnUpgrade takes the only stream that a client may have, while
// other requests wait for it.
func TestRequestsThatWaitGoOnAfterAnUpgrade(t *testing.T) {
	for name, passes := range map[string]bool{"the callback returns": false, "the callback panics": true} {
		for kind, start := range map[string]func(t *testing.T, base *event.Base, s *rawServer) func(r *Request, target string){
			"of a client": func(t *testing.T, base *event.Base, s *rawServer) func(r *Request, target string) {
				client := newTestClient(t, base, ClientConfig{MaxPerHost: 1})
				return func(r *Request, target string) { must(t, client.MakeRequest(r, MethodGet, s.url()+target)) }
			},
			"of a connection": func(t *testing.T, base *event.Base, s *rawServer) func(r *Request, target string) {
				c := connTo(t, base, s.addr())
				return func(r *Request, target string) { must(t, c.MakeRequest(r, MethodGet, target)) }
			},
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				s := newRaw(t, func(n int, c *rawConn) {
					if n == 0 {
						upgrades(n, c)
					} else {
						keepsAlive(n, c)
					}
				})
				base := newTestBase(t)
				send := start(t, base, s)
				r := NewRequest(func(r *Request) {
					b, err := r.Hijack()
					must(t, err)
					b.Free()
					if passes {
						panic(errPanic)
					}
				})
				r.OutputHeaders().Add("Upgrade", "other")
				send(r, "/")
				second, third := expectOutcome(), expectOutcome()
				send(second.r, "/second")
				send(third.r, "/third")
				for !third.over {
					loopThrough(t, base, errPanic)
				}
				second.want(t, "200 OK /second")
				third.want(t, "200 OK /third")
			})
		}
	}
}

var errPanic = errors.New("panic")

// loopThrough runs the loop once, through which a panic with this value may pass.
func loopThrough(t *testing.T, base *event.Base, value error) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil && v != value {
			panic(v)
		}
	}()
	_, err := base.Loop(event.LoopOnce)
	must(t, err)
}
