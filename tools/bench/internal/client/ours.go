package client

import (
	"fmt"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// askOurs asks with evhttp, on connections that share a loop, each with a request
// that is used again.
func askOurs(t task) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	uri := fmt.Sprint("/", t.size)
	for range t.atOnce {
		conn, err := evhttp.NewClientConn(base, t.addr.Addr().String(), int(t.addr.Port()), nil)
		if err != nil {
			return err
		}
		again := func(r *evhttp.Request) {
			err := r.Err()
			if err == nil {
				err = t.check(r.ResponseCode(), r.Input().Len())
			}
			if err == nil {
				err = conn.MakeRequest(r, evhttp.MethodGet, uri)
			}
			if err != nil {
				select {
				case failed <- err:
				default:
				}
				base.LoopBreak()
			}
		}
		if err := conn.MakeRequest(evhttp.NewRequest(again), evhttp.MethodGet, uri); err != nil {
			return err
		}
	}
	if err := base.Dispatch(); err != nil {
		return err
	}
	return <-failed
}
