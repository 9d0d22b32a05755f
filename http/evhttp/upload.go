package evhttp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// maxEager is the largest body that is read before the request is sent, if it is
// in memory anyway.
const maxEager = 64 << 10

var errNoBody = errors.New("there is no body")

// uploadPart is how much of a body is under way at a time.
const uploadPart = 32 << 10

// upload is the body of a trip's request.
type upload struct {
	trip    *trip
	body    io.Reader // what is left to read of the request's
	streams bool      // it is sent as it is read
	sent    chan struct{}
	started atomic.Bool   // something reads the body
	ended   chan struct{} // closed when nothing reads it any more
	part    evbuffer.Buffer
	closing sync.Once
}

// prepare decides how the body is sent.
func (u *upload) prepare() error {
	req, h := u.trip.req, u.trip.r.OutputHeaders()
	switch {
	case req.Body == nil && req.ContentLength != 0:
		return fmt.Errorf("ContentLength %d: %w", req.ContentLength, errNoBody)
	case req.Body == nil || req.Body == http.NoBody:
		return nil
	}
	u.body = req.Body
	length := req.ContentLength
	if length == 0 {
		length = -1 // says net/http
	}
	if length < 0 && usuallyBodiless(req.Method) && u.probe() {
		u.close()
		return nil
	}
	if length > 0 && length <= maxEager && req.GetBody != nil && len(req.Trailer) == 0 {
		return u.readAll(length)
	}
	u.streams, u.sent, u.ended = true, make(chan struct{}, 1), make(chan struct{})
	if len(req.Trailer) > 0 {
		var names []string
		for name := range req.Trailer {
			names = append(names, http.CanonicalHeaderKey(name))
		}
		slices.Sort(names)
		return h.Add("Trailer", strings.Join(names, ","))
	}
	if length > 0 {
		return h.Add("Content-Length", fmt.Sprint(length))
	}
	return nil
}

// readAll takes a body that is in memory.
func (u *upload) readAll(length int64) error {
	body := io.LimitReader(u.trip.req.Body, length+1)
	n, err := u.trip.r.output.ReadFrom(body)
	u.close()
	switch {
	case err != nil:
		return err
	case n != length:
		return u.wrongLength(n)
	}
	return nil
}

func (u *upload) wrongLength(n int64) error {
	return fmt.Errorf("a body of %d bytes with ContentLength %d: %w", n, u.trip.req.ContentLength, ErrLength)
}

// start is called on the loop when it is time for the body.
func (u *upload) start(*Request) {
	u.started.Store(true)
	go u.run()
}

// run reads the body and has the loop send it, part by part, each when the one
// before has left.
func (u *upload) run() {
	p := u.trip
	defer u.end()
	data := make([]byte, uploadPart)
	for total := int64(0); ; {
		n, err := u.body.Read(data)
		if total += int64(n); p.req.ContentLength > 0 && total > p.req.ContentLength {
			u.fail(u.wrongLength(total))
			return
		}
		if n > 0 && !u.send(data[:n]) {
			return
		}
		switch {
		case err == io.EOF && p.req.ContentLength > 0 && total < p.req.ContentLength:
			u.fail(u.wrongLength(total))
			return
		case err == io.EOF:
			p.client.base.Post(u.finish)
			return
		case err != nil:
			u.fail(fmt.Errorf("read the body of the request: %w", err))
			return
		}
	}
}

// fail ends a body that cannot be completed. If the server has answered already
// without the rest of it, the answer counts (RFC 9112, section 9.5), so the loop
// first looks once for what has come and was not read yet.
func (u *upload) fail(err error) {
	p := u.trip
	if p.client.base.Post(func() { p.client.base.Post(func() { u.cease(err) }) }) != nil {
		p.abort(err) // there is no loop to end the exchange
	}
}

// cease stops sending, on the loop. When a body was closed while its answer comes,
// the rest of the body is no longer wanted, but that of the answer is; whatever
// else ends a body makes the request void.
func (u *upload) cease(err error) {
	p := u.trip
	o := p.r.client.conn
	if o == nil {
		if p.r.ex != nil {
			p.abort(err)
		}
		return
	}
	if o.state != receivingBody || !wasClosed(err) || o.bev.CloseWrite() != nil {
		p.abort(err)
	}
}

// wasClosed reports whether an error of reading says that the reader was closed.
func wasClosed(err error) bool {
	return errors.Is(err, http.ErrBodyReadAfterClose) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, fs.ErrClosed)
}

// send has the loop send data, and waits until it has left. It returns false if
// the request is over.
func (u *upload) send(data []byte) bool {
	p := u.trip
	err := p.client.base.Post(func() {
		if p.r.ex == nil {
			return
		}
		_ = u.part.Add(data) // in memory, at an end that is not frozen
		if err := p.r.SendReplyChunkFunc(&u.part, u.left); err != nil {
			p.abort(err)
		}
	})
	if err != nil {
		return false
	}
	select {
	case <-u.sent:
		return true
	case <-p.over:
		return false
	}
}

// left is called on the loop when everything has left.
func (u *upload) left() {
	select {
	case u.sent <- struct{}{}:
	default:
	}
}

// finish ends the body, on the loop.
func (u *upload) finish() {
	r := u.trip.r
	if r.ex == nil {
		return
	}
	for name, values := range u.trip.req.Trailer {
		for _, value := range values {
			if err := r.OutputTrailers().Add(name, value); err != nil {
				u.trip.abort(err)
				return
			}
		}
	}
	o := r.client.conn
	switch err := r.SendReplyEnd(); {
	case err == nil && o != nil:
		o.reach(r.client, wroteAll)
	case err != nil && !errors.Is(err, ErrDone):
		u.trip.abort(err)
	}
}

// end is called when nothing reads the body any more. If the answer came first,
// closeLater closes it.
func (u *upload) end() {
	p := u.trip
	close(u.ended)
	select {
	case <-p.over:
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.err == nil && p.resp != nil {
			return
		}
	default:
	}
	u.close()
}

// giveUp closes the body of a request that has failed, which ends a Read that waits.
func (u *upload) giveUp() {
	if u.streams {
		go u.close()
	}
}

// An answer may come to its end before everything of the body was sent. Its caller
// may be a proxy, and the body that of a request to a server of net/http. That server
// resets its connection, and with it what it has sent of the answer, if something
// reads or closes the body when the proxy's handler returns. So the end of the answer
// waits a moment for a Read that waits, as it does in net/http, and the body is not
// closed until the handler had time to return, as much as that server itself takes
// to let a client read what it has sent.
const (
	readDelay  = 50 * time.Millisecond
	closeDelay = 500 * time.Millisecond
)

// waitForRead waits until nothing reads the body, but not for long.
func (u *upload) waitForRead() {
	if !u.streams || !u.started.Load() {
		return
	}
	timer := time.NewTimer(readDelay)
	defer timer.Stop()
	select {
	case <-u.ended:
	case <-timer.C:
	}
}

// closeLater closes the body after closeDelay.
func (u *upload) closeLater() {
	if u.streams {
		time.AfterFunc(closeDelay, u.close)
	}
}

// close closes the body, once.
func (u *upload) close() {
	u.closing.Do(func() {
		if body := u.trip.req.Body; body != nil {
			body.Close()
		}
	})
}
