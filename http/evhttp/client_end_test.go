package evhttp

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A body that lasts to the end of the stream is whole if the server has ended that,
// though it did not wait for the rest of the request; and not if the end is that of a
// reset, which the system tells whoever asks first: reading sees an end after a write
// was told of it.
func TestBodiesToTheEndOfAStreamThatCannotBeWritten(t *testing.T) {
	tests := []struct {
		name    string
		written error
		want    error
	}{
		{"nothing was wrong", nil, nil},
		{"the server has ended its stream before", syscall.EPIPE, nil},
		{"the server has reset the connection", syscall.ECONNRESET, syscall.ECONNRESET},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := make(chan struct{})
			s := newRaw(t, func(_ int, c *rawConn) {
				c.request()
				c.send("HTTP/1.0 200 OK\r\n\r\nhello")
				<-seen
				closeWrite(c.Conn)
				c.awaitEnd()
			})
			base, err := event.NewBase()
			if err != nil {
				t.Fatal(err)
			}
			defer base.Free()
			var stream *bufferevent.Bufferevent
			dial := func(base *event.Base) (*bufferevent.Bufferevent, error) {
				stream, err = bufferevent.NewSocket(base, evutil.InvalidSocket, bufferevent.CloseOnFree)
				return stream, err
			}
			c, err := NewClientConn(base, "127.0.0.1", int(s.addr().Port()), &ConnConfig{Stream: dial, Flags: ConReadOnWriteError})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Free()
			var result error
			body := ""
			r := NewRequest(func(r *Request) {
				result = r.Err()
				all, _ := io.ReadAll(r.Input())
				body = string(all)
				base.LoopBreak()
			})
			r.SetHeaderCallback(func(*Request) bool {
				if tt.written != nil {
					stream.TriggerEvent(bufferevent.EventWriting|bufferevent.EventError, tt.written, bufferevent.TrigDeferCallbacks)
				}
				base.Post(func() { close(seen) }) // when that is told
				return true
			})
			if err := c.StartRequest(r, MethodPost, "/", nil); err != nil {
				t.Fatal(err)
			}
			if err := base.Dispatch(); err != nil {
				t.Fatal(err)
			}
			if !errors.Is(result, tt.want) || tt.want == nil && body != "hello" {
				t.Errorf("ended with %v and %q, want %v", result, body, tt.want)
			}
		})
	}
}
