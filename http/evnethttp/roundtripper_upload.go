package evnethttp

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

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/evhttp"
)

// upload is the body of a trip's request.
type upload struct {
	trip    *roundTrip
	body    io.Reader // what is left to read of the request's
	streams bool      // it is sent as it is read
	out     bridge.Writer
	started atomic.Bool     // something reads the body
	ended   chan struct{}   // closed when nothing reads it any more
	part    evbuffer.Buffer // from out, for the connection
	unsent  int             // how much of that has not left
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
	u.streams, u.ended = true, make(chan struct{})
	u.out.Init(u.trip.client.Base(), bridge.Config{High: uploadPart, Ready: u.send})
	if len(req.Trailer) > 0 {
		var names []string
		for name := range req.Trailer { // in any order: they are sorted
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
	n, err := u.trip.r.Output().ReadFrom(body)
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
	return fmt.Errorf("a body of %d bytes with ContentLength %d: %w", n, u.trip.req.ContentLength, evhttp.ErrLength)
}

// start is called on the loop when it is time for the body.
func (u *upload) start(*evhttp.Request) {
	u.started.Store(true)
	go u.run()
}

// run reads the body and has the loop send it, part by part, each when the one
// before has left.
func (u *upload) run() {
	defer u.end()
	length := u.trip.req.ContentLength
	data := make([]byte, uploadPart)
	for total := int64(0); ; {
		n, err := u.body.Read(data)
		total += int64(n)
		switch {
		case length > 0 && total > length:
			_ = u.out.CloseWithError(u.wrongLength(total)) // it is open
			return
		case err == io.EOF && length > 0 && total < length:
			err = u.wrongLength(total)
		case err != nil && err != io.EOF:
			err = fmt.Errorf("read the body of the request: %w", err)
		}
		if n > 0 && !u.write(data[:n]) {
			return
		}
		if err != nil {
			_ = u.out.CloseWithError(err) // it is open
			return
		}
	}
}

// write hands data to the loop, and waits until it has left. It returns false if the
// request is over.
func (u *upload) write(data []byte) bool {
	_, err := u.out.Write(data)
	return err == nil && u.out.Flush() == nil
}

// send sends on the loop what was read.
func (u *upload) send() {
	p := u.trip
	if p.r.Conn() == nil {
		return
	}
	n, end := u.out.Take(&u.part)
	if n > 0 {
		u.unsent += n
		if err := p.r.SendReplyChunkFunc(&u.part, u.sent); err != nil {
			p.abort(err)
			return
		}
	}
	switch end {
	case nil:
	case io.EOF:
		u.finish()
	default:
		// If the server has answered already without the rest of the body, the answer
		// counts (RFC 9112, section 9.5), so the loop first looks once for what has come
		// and was not read yet.
		_ = p.client.Base().Post(func() { u.cease(end) }) // fails when the base was freed, and the request is over
	}
}

// sent is called on the loop when everything has left.
func (u *upload) sent() {
	n := u.unsent
	u.unsent = 0
	u.out.Ack(n)
}

// cease stops sending a body that cannot be completed, on the loop. When a body was closed
// while its answer comes, the rest of the body is no longer wanted, but that of the answer
// is; whatever else ends a body makes the request void.
func (u *upload) cease(err error) {
	p := u.trip
	if p.r.Conn() == nil {
		return
	}
	if !wasClosed(err) || p.r.CloseSend() != nil {
		p.abort(err)
	}
}

// wasClosed reports whether an error of reading says that the reader was closed.
func wasClosed(err error) bool {
	return errors.Is(err, http.ErrBodyReadAfterClose) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, fs.ErrClosed)
}

// finish ends the body, on the loop.
func (u *upload) finish() {
	p := u.trip
	for name, values := range byName(p.req.Trailer) {
		for _, value := range values {
			if err := p.r.OutputTrailers().Add(name, value); err != nil {
				p.abort(err)
				return
			}
		}
	}
	if err := p.r.SendReplyEnd(); err != nil && !errors.Is(err, evhttp.ErrDone) {
		p.abort(err)
	}
}

// conclude is called on the loop when the request is over.
func (u *upload) conclude() {
	if u.streams {
		u.out.End(evhttp.ErrDone)
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

// waitForRead waits until nothing reads the body, but not for long.
func (u *upload) waitForRead() {
	if !u.streams || !u.started.Load() {
		return
	}
	timer := time.NewTimer(readDelay)
	defer timer.Stop()
	select { // in any order: both end the wait
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
