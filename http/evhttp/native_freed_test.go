package evhttp_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// TestRequestsOnFreedBasesFail makes a request that no loop will send.
func TestRequestsOnFreedBasesFail(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	c, err := evhttp.NewConn(base, nil, "127.0.0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	client, err := evhttp.NewClient(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	base.Free()
	for name, send := range map[string]func(r *evhttp.Request) error{
		"connection": func(r *evhttp.Request) error { return c.MakeRequest(r, evhttp.MethodGet, "/") },
		"client":     func(r *evhttp.Request) error { return client.MakeRequest(r, evhttp.MethodGet, "http://127.0.0.1:1/") },
	} {
		t.Run(name, func(t *testing.T) {
			var ended error
			err := send(evhttp.NewRequest(func(r *evhttp.Request) { ended = r.Err() }))
			if err == nil && ended == nil {
				t.Error("the request waits for ever")
			}
		})
	}
}
