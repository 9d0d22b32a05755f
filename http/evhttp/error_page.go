package evhttp

import (
	"fmt"

	"github.com/go-libevent/libevent/http/evuri"
	"github.com/go-libevent/libevent/http/internal/message"
)

// ErrorPage fills in what is sent with an error: the body, in Output, and header
// fields. It returns false to leave that to the server.
type ErrorPage func(r *Request, code int, reason string) bool

// SendError answers a request with an error and a page that says so. An empty
// reason means the usual phrase. What was in Output is dropped. The errors are
// those of SendReply (evhttp_send_error).
func (r *Request) SendError(code int, reason string) error {
	if err := r.mayAnswer(); err != nil {
		return r.failed("send error", err)
	}
	if reason == "" {
		reason = message.ReasonPhrase(code)
	}
	r.output.Drain(r.output.Len())
	page := ErrorPage(nil)
	if r.conn != nil {
		page = r.conn.accepted().server.cfg.OnError
	}
	if page == nil || !page(r, code, reason) {
		r.errorPage(code, reason)
	}
	return r.SendReply(code, reason, nil)
}

// errorPage fills in the page that there is for want of another.
func (r *Request) errorPage(code int, reason string) {
	r.output.Drain(r.output.Len())
	_ = r.header.Set("Content-Type", "text/html; charset=utf-8") // a field that is valid
	_, _ = fmt.Fprintf(&r.output, "<!DOCTYPE html>\n<html><head><title>%d %s</title></head>\n"+
		"<body><h1>%[1]d %[2]s</h1></body></html>\n", code, evuri.HTMLEscape(reason))
}
