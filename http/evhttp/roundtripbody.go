package evhttp

import (
	"io"
	"net/http"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
)

// maxUnread is how much of a body a trip holds that nobody has read yet; more
// waits at the loop, and in the end at the server.
const maxUnread = 64 << 10

// tripBody is the body of the answer.
type tripBody trip

// pump moves some of the body to where it is read. It runs on the loop.
func (p *trip) pump() {
	p.mu.Lock()
	room := maxUnread - p.body.Len()
	p.asked = false
	p.mu.Unlock()
	in := p.r.Input()
	var part evbuffer.Buffer
	if room > 0 {
		_, _ = in.RemoveBuffer(&part, room) // may go on with reading
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.aborted {
		part.Free()
	} else {
		_ = p.body.AddBuffer(&part) // in memory, at an end that is not frozen
	}
	p.left = in.Len() > 0
	if p.r.received && !p.complete {
		p.complete = true
		if t := p.r.InputTrailers(); t.Len() > 0 {
			p.trailer = toHTTP(t)
		}
	}
	p.changed.Broadcast()
}

// Read implements io.Reader.
func (b *tripBody) Read(data []byte) (int, error) {
	p := (*trip)(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(data) == 0 {
		return 0, nil
	}
	for p.body.Len() == 0 {
		switch {
		case p.aborted:
			return 0, p.err
		case p.left:
			p.ask()
		case p.complete && !p.finished:
			p.mu.Unlock()
			p.upload.waitForRead()
			p.mu.Lock()
			p.end()
			continue
		case p.complete:
			return 0, io.EOF
		case p.err != nil:
			return 0, bodyError(p.err)
		}
		p.changed.Wait()
	}
	n, err := p.body.Remove(data)
	if p.left && p.body.Len() <= maxUnread/2 {
		p.ask()
	}
	return n, err
}

// ask has the loop give more, once.
func (p *trip) ask() {
	if p.asked {
		return
	}
	p.asked = true
	if err := p.client.base.Post(p.pump); err != nil {
		p.left, p.err = false, err
	}
}

// end is called when everything was read, with the lock.
func (p *trip) end() {
	p.stop()
	p.setFinished()
	for name, values := range p.trailer {
		if p.resp.Trailer == nil {
			p.resp.Trailer = make(http.Header)
		}
		p.resp.Trailer[name] = values
	}
	p.trailer = nil
}

// setFinished notes, with the lock, that the caller is at the end of the answer. The
// body of the request is closed once the trip is over as well.
func (p *trip) setFinished() {
	if p.finished {
		return
	}
	p.finished = true
	select {
	case <-p.over:
		p.upload.closeLater()
	default:
	}
}

// bodyError is what a reader is told when an answer has ended too early.
func bodyError(err error) error {
	if e, ok := err.(*Error); ok && e.Code == ReqEOF {
		return e.Err
	}
	return err
}

// Close implements io.Closer. An answer that has not come completely is given up,
// and the connection with it.
func (b *tripBody) Close() error {
	p := (*trip)(b)
	p.stop()
	p.mu.Lock()
	over := p.complete && !p.left
	p.setFinished()
	p.err, p.aborted = http.ErrBodyReadAfterClose, true
	p.body.Free()
	p.changed.Broadcast()
	p.mu.Unlock()
	if !over {
		p.client.base.Post(p.cancel)
	}
	return nil
}

// tunnelBody is the body of an answer that ends HTTP.
type tunnelBody struct {
	*bufferevent.Conn
	stop func() bool
}

// Close implements io.Closer.
func (b *tunnelBody) Close() error {
	b.stop()
	return b.Conn.Close()
}
