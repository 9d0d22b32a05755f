package simulation_test

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// rpcID is the field with the number of a call.
const rpcID = "Call"

// An rpcServer answers the calls of a model.
type rpcServer struct {
	model *rpcModel
	host  *evtest.Host
	base  *event.Base
	web   *evhttp.Server
	rpc   *evrpc.Server
}

// start begins to serve. Only the loop of the host calls it.
func (s *rpcServer) start() {
	m := s.model
	s.base = s.host.Base()
	var err error
	s.web, err = evhttp.NewServerWithConfig(s.base, &evhttp.ServerConfig{Timeouts: evhttp.Timeouts{
		Idle: httpForever, Header: httpForever, Body: httpForever, MinBodyRate: -1, Write: httpForever}})
	if err != nil {
		m.w.Failf("server: %v", err)
		return
	}
	s.serve()
	s.listen()
}

// serve makes the server of RPCs.
func (s *rpcServer) serve() {
	var err error
	s.rpc, err = evrpc.NewServer(s.web, nil)
	if err == nil {
		err = evrpc.Register(s.rpc, "Echo", s.handle)
	}
	if err != nil {
		s.model.w.Failf("server of RPCs: %v", err)
		return
	}
	_, err = s.rpc.AddHook(evrpc.InputHook, s.hook(serverInput))
	_, err2 := s.rpc.AddHook(evrpc.OutputHook, s.hook(serverOutput))
	if err := errors.Join(err, err2); err != nil {
		s.model.w.Failf("hooks: %v", err)
	}
}

// listen begins to listen, or tries again later.
func (s *rpcServer) listen() {
	web := s.web
	if _, err := web.Bind(s.host.AddrPort(httpPort)); err != nil {
		httpAfter(s.base, 100*time.Millisecond, func() {
			if s.web == web {
				s.listen()
			}
		})
	}
}

// listening reports whether clients can connect.
func (s *rpcServer) listening() bool {
	for range s.web.Bounds() {
		return true
	}
	return false
}

// again frees the server of RPCs, or that of HTTP with it, and makes others.
func (s *rpcServer) again(all bool) {
	s.rpc.Free()
	if n := s.rpc.Pending(); n > 0 {
		s.model.w.Failf("%d calls are under way on a server that was freed", n)
	}
	if !all {
		s.serve()
		return
	}
	s.web.Free()
	s.start()
}

func (s *rpcServer) free() {
	s.rpc.Free()
	s.web.Free()
}

// handle is the handler of Echo.
func (s *rpcServer) handle(call *evrpc.Call[rpcMessage, rpcMessage]) {
	m, request := s.model, call.Request()
	if request.id >= len(m.calls) {
		m.w.Failf("request %+v of no call", request)
		return
	}
	c := m.calls[request.id]
	c.handled++
	switch {
	case c.handled > 1:
		c.errorf("it is handled again")
	case request.seed != c.askSeed() || request.size != c.ask:
		c.errorf("its request is %+v", request)
	case c.passed[serverInput] == 0:
		c.errorf("its request has not come to the hook")
	case call.Context().Err() != nil:
		c.errorf("its context is done")
	}
	m.w.Note("handle %v", c)
	switch c.answer {
	case rpcNow:
		s.answer(call, c)
	case rpcLater:
		httpAfter(s.base, c.delay, func() { s.answer(call, c) })
	case rpcIncomplete:
		if err := call.Done(); !errors.Is(err, errIncomplete) {
			c.errorf("its reply is not complete: %v", err)
		}
	case rpcFail:
		if err := call.Fail(); err != nil {
			c.errorf("fail: %v", err)
		}
	case rpcDrop:
		ctx := call.Context()
		call.Conn().Free()
		if err := call.Done(); !errors.Is(err, evrpc.ErrDone) || ctx.Err() == nil {
			c.errorf("after its connection was freed: %v, context %v", err, ctx.Err())
		}
	}
}

// answer answers a call.
func (s *rpcServer) answer(call *evrpc.Call[rpcMessage, rpcMessage], c *rpcCall) {
	*call.Reply() = rpcMessage{c.id, c.tellSeed(), c.tell, true}
	err := call.Done()
	if err != nil && !errors.Is(err, evrpc.ErrDone) && !errors.Is(err, evhttp.ErrDone) {
		c.errorf("done: %v", err)
	}
	if err != nil && c.answer == rpcNow {
		c.errorf("a reply at once: %v", err)
	}
}

// hook returns the hook of a place of the server.
func (s *rpcServer) hook(place int) evrpc.HookFunc {
	return func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult {
		id, err := strconv.Atoi(x.HTTP().InputHeaders().Get(rpcID))
		if err != nil || id >= len(s.model.calls) {
			s.model.w.Failf("a hook gets call %d: %v", id, err)
			return evrpc.HookTerminate
		}
		return s.model.calls[id].hook(s.base, place, x)
	}
}

// hook does with a call what is planned.
func (c *rpcCall) hook(base *event.Base, place int, x *evrpc.Exchange) evrpc.HookResult {
	c.at(place)
	result := evrpc.HookContinue
	h := c.hooks[place]
	if h.ends {
		result = evrpc.HookTerminate
	}
	c.checkMeta(place, x)
	if !h.pause {
		return result
	}
	httpAfter(base, h.delay, func() {
		err := x.Resume(result)
		if err != nil && !errors.Is(err, evrpc.ErrNotPaused) && !errors.Is(err, evrpc.ErrDone) && !errors.Is(err, evhttp.ErrDone) {
			c.errorf("resume at hook %d: %v", place, err)
		}
	})
	return evrpc.HookPause
}

// checkMeta has the second hook of a side find what the first one has added.
func (c *rpcCall) checkMeta(place int, x *evrpc.Exchange) {
	data, found := x.FindMeta("id")
	first, own := place == poolOutput || place == serverInput, fmt.Sprint("client ", c.id)
	if place == serverInput || place == serverOutput {
		own = fmt.Sprint("server ", c.id)
	}
	switch {
	case first && found:
		c.errorf("at hook %d it has metadata %q", place, data)
	case first:
		x.AddMeta("id", []byte(own))
	case string(data) != own:
		c.errorf("at hook %d it has metadata %q", place, data)
	}
}
