package evnethttp

import (
	"io"
	"net"
	"net/http"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/http/evhttp"
)

// receive moves some of the answer's body to where the caller reads it, and ends that
// after the last of it. It runs on the loop.
func (p *roundTrip) receive() {
	in := p.r.Input()
	if p.body.Put(in); in.Len() > 0 {
		return // until the caller has read some
	}
	p.mu.Lock()
	err := p.err
	if p.r.Complete() {
		if err = io.EOF; p.r.InputTrailers().Len() > 0 {
			p.trailer = toHTTP(p.r.InputTrailers())
		}
	}
	p.mu.Unlock()
	if err != nil {
		p.body.End(bodyError(err))
	}
}

// A responseBody is the body of the answer, for the caller.
type responseBody roundTrip

// Read implements io.Reader.
func (b *responseBody) Read(data []byte) (int, error) {
	n, err := b.body.Read(data)
	if err == io.EOF {
		p := (*roundTrip)(b)
		p.atEnd.Do(p.end)
	}
	return n, err
}

// end is called when everything was read.
func (p *roundTrip) end() {
	p.upload.waitForRead()
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setFinished()
	for name, values := range p.trailer { // in any order: they are in a map again
		if p.resp.Trailer == nil {
			p.resp.Trailer = make(http.Header)
		}
		p.resp.Trailer[name] = values
	}
	p.trailer = nil
}

// setFinished notes, with the lock, that the caller is at the end of the answer. The
// body of the request is closed once the round trip is over as well.
func (p *roundTrip) setFinished() {
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

// bodyError returns the error of Read for an answer that has ended too early.
func bodyError(err error) error {
	if e, ok := err.(*evhttp.Error); ok && e.Code == evhttp.ReqEOF {
		return e.Err
	}
	return err
}

// Close implements io.Closer. An answer that has not come completely is given up,
// and the connection with it.
func (b *responseBody) Close() error {
	p := (*roundTrip)(b)
	p.stop()
	over := p.body.Err() == io.EOF
	p.mu.Lock()
	p.setFinished()
	p.err, p.aborted = http.ErrBodyReadAfterClose, true
	p.mu.Unlock()
	_ = p.body.CloseWithError(http.ErrBodyReadAfterClose) // fails only if it is closed already
	if !over {
		_ = p.client.Base().Post(p.r.Cancel) // fails when the base was freed, and the request is over
	}
	return nil
}

// tunnelBody is the body of an answer that ends HTTP.
type tunnelBody struct {
	*bufferevent.Conn
	stop func() bool
}

var _ net.Conn = (*tunnelBody)(nil)

// Close implements io.Closer.
func (b *tunnelBody) Close() error {
	b.stop()
	return b.Conn.Close()
}
