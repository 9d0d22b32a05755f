package evnethttp

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// A response is what an http.Handler says of its reply, and net/http's rules
// for it.
type response struct {
	method  string
	handler http.Header // the handler's
	header  http.Header // as it was when the handler called WriteHeader; nil before
	code    int
	room    int64 // bytes that may be written yet, or -1
}

func (a *response) init(req *http.Request) {
	*a = response{method: req.Method, handler: make(http.Header), room: -1}
}

// wrote reports whether the header is decided.
func (a *response) wrote() bool { return a.header != nil }

// Header implements http.ResponseWriter.
func (a *response) Header() http.Header { return a.handler }

// decide takes the header as it is for the reply's, and reports whether that is
// to be done. An interim status is not for it.
func (a *response) decide(code int) (interim bool) {
	switch {
	case a.wrote():
		event.Logger().Warn("evhttp: superfluous http.ResponseWriter.WriteHeader", "code", code, "sent", a.code)
		return false
	case code < 100 || code > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %v", code))
	case code < 200 && code != http.StatusSwitchingProtocols:
		return true
	}
	a.code, a.header = code, a.handler.Clone()
	if a.header == nil {
		a.header = make(http.Header)
	}
	v := a.header.Get("Content-Length")
	n, err := strconv.ParseInt(v, 10, 64)
	switch {
	case v == "":
	case err != nil || n < 0:
		event.Logger().Warn("evhttp: invalid Content-Length of an http.ResponseWriter", "value", v)
		a.header.Del("Content-Length")
	default:
		a.room = n
	}
	return false
}

// take returns an error unless n more bytes may be written.
func (a *response) take(n int) error {
	switch {
	case n == 0:
	case !hasBody(a.code):
		return http.ErrBodyNotAllowed
	case a.room >= 0 && int64(n) > a.room:
		return http.ErrContentLength
	case a.room >= 0:
		a.room -= int64(n)
	}
	return nil
}

// hasBody reports whether there is a body with a status code.
func hasBody(code int) bool { return code >= 200 && code != 204 && code != 205 && code != 304 }

// complete completes the header when the first bytes of the body are known; with
// whole, they are all of it.
func (a *response) complete(first []byte, whole bool) http.Header {
	h := a.header
	if !hasBody(a.code) {
		h.Del("Content-Length")
		h.Del("Transfer-Encoding")
		if a.code == http.StatusNotModified {
			h.Del("Content-Type")
		}
		return h
	}
	_, typed := h["Content-Type"]
	if !typed && h.Get("Content-Encoding") == "" && h.Get("Transfer-Encoding") == "" && len(first) > 0 {
		h.Set("Content-Type", http.DetectContentType(first))
	}
	known := whole && h.Get("Transfer-Encoding") == "" && (a.method != http.MethodHead || len(first) > 0)
	if known && h.Get("Content-Length") == "" && !a.hasTrailer() {
		h.Set("Content-Length", strconv.Itoa(len(first)))
	}
	return h
}

// hasTrailer reports whether there will be fields after the body.
func (a *response) hasTrailer() bool {
	for range listed(a.header["Trailer"]) {
		return true
	}
	for name := range a.handler { // in any order: one will do
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// outputTrailer returns the fields that were announced as trailers, or are named
// as such.
func (a *response) outputTrailer() http.Header {
	t := make(http.Header)
	for name := range listed(a.header["Trailer"]) {
		if v := a.handler[name]; len(v) > 0 {
			t[name] = v
		}
	}
	for name, v := range a.handler { // in any order: they are in a map again
		if rest, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			t[http.CanonicalHeaderKey(rest)] = v
		}
	}
	return t
}

// addHeader adds net/http's form of a header to what is sent, as net/http does:
// without ends of lines in values, and without what is not valid even so.
func addHeader(to *evhttp.Header, h http.Header) {
	for name, values := range byName(h) {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		for _, v := range values {
			_ = to.Add(name, strings.TrimSpace(lineEnds.Replace(v))) // what is not valid is left out
		}
	}
}

var lineEnds = strings.NewReplacer("\n", " ", "\r", " ")

// sendInterim sends an interim reply with the fields there are now.
func sendInterim(r *evhttp.Request, code int, h http.Header) {
	addHeader(r.OutputHeaders(), h)
	r.OutputHeaders().Remove("Content-Length")
	r.OutputHeaders().Remove("Transfer-Encoding")
	_ = r.SendInformational(code) // fails only when the request is over, or the answer was cut off
	r.OutputHeaders().Clear()
}
