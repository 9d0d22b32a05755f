package simulation_test

import (
	"strconv"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/evhttp"
)

// upload returns what a request is.
func (s *httpUploads) upload(r *evhttp.Request) *httpUpload {
	id, err := strconv.Atoi(r.InputHeaders().Get(httpID))
	if err != nil || id >= len(s.all) {
		return nil
	}
	return s.all[id]
}

// came is called when the header of a request has come.
func (s *httpUploads) came(r *evhttp.Request) bool {
	if u := s.upload(r); u != nil {
		if u.seen {
			u.errorf("it comes twice")
		}
		u.seen, u.conn = true, r.ServerConn()
	}
	return true
}

// small is the handler that takes little: nothing is to come to its end.
func (s *httpUploads) small(r *evhttp.Request) {
	r.SetChunkCallback(func(r *evhttp.Request) {
		if n := r.Input().Len(); n > maxSmall || r.Complete() {
			s.upload(r).errorf("the handler has %d bytes, all of it: %v", n, r.Complete())
		}
	})
	if r.Complete() {
		s.upload(r).errorf("it is not too large")
	}
}

// whole is the handler of what has come as a whole.
func (s *httpUploads) whole(r *evhttp.Request) {
	u := s.upload(r)
	if n, err := httpTake(r.Input(), u.askSeed(), 0, u.size); n != u.size || err != nil || !r.Complete() {
		u.errorf("it has come with %d bytes: %v", n, err)
	}
	s.react(r, u)
}

// stream is the handler of what is to come.
func (s *httpUploads) stream(r *evhttp.Request) {
	u := s.upload(r)
	got := 0
	if u.at == 0 {
		s.react(r, u)
		return
	}
	r.SetErrorCallback(func(_ *evhttp.Request, err error) {
		if !u.acted {
			u.errorf("it fails on the server: %v", err)
		}
	})
	r.SetChunkCallback(func(r *evhttp.Request) {
		n, err := httpTake(r.Input(), u.askSeed(), got, r.Input().Len())
		if got += n; err != nil || got > u.size {
			u.errorf("%d bytes have come: %v", got, err)
		}
		if got >= u.at && !u.acted {
			s.react(r, u)
		}
	})
}

// react does what the handler is to do, now or later.
func (s *httpUploads) react(r *evhttp.Request, u *httpUpload) {
	u.acted = true
	if u.delay == 0 || u.way >= uploadPanics { // what a timer panics with is about no request
		s.answer(r, u)
		return
	}
	httpAfter(s.base, u.delay, func() { s.answer(r, u) })
}

func (s *httpUploads) answer(r *evhttp.Request, u *httpUpload) {
	if u.way == uploadPanics {
		s.panics = u
		panic(errHTTPPanic)
	}
	h := r.OutputHeaders()
	_ = h.Set(httpID, strconv.Itoa(u.id)) // fields that are valid
	if u.closes {
		_ = h.Set("Connection", "close") // as above
	}
	body := httpBytes(u.answerSeed(), 0, u.answer)
	var err error
	switch {
	case u.way == uploadPanicsWithin:
		if err = r.SendReplyStart(u.code, ""); err == nil {
			part := evbuffer.New()
			_ = part.Add(body[:u.answer/2]) // a buffer that is not frozen
			_ = r.SendReplyChunk(part)      // as the end
			s.panics = u
			panic(errHTTPPanic)
		}
	case u.parts:
		if err = r.SendReplyStart(u.code, ""); err == nil {
			part := evbuffer.New()
			_ = part.Add(body) // as above
			if err = r.SendReplyChunk(part); err == nil {
				err = r.SendReplyEnd()
			}
		}
	default:
		err = r.SendReplyBytes(u.code, "", body)
	}
	if err != nil {
		u.errorf("the answer: %v", err)
	}
	if u.way == uploadPanicsAfter {
		s.panics = u
		panic(errHTTPPanic)
	}
}
