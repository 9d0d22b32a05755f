package evnethttp

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-libevent/libevent/http/evhttp"
)

// newRequest makes net/http's form of a request, without its body.
func newRequest(r *evhttp.Request) (*http.Request, error) {
	u, err := requestURL(r)
	if err != nil {
		return nil, err
	}
	h := make(http.Header, r.InputHeaders().Len())
	for name, value := range r.InputHeaders().All() {
		if key := http.CanonicalHeaderKey(name); key != "Host" {
			h[key] = append(h[key], value)
		}
	}
	if v := h["Pragma"]; len(v) > 0 && v[0] == "no-cache" && h["Cache-Control"] == nil {
		h["Cache-Control"] = []string{"no-cache"} // as net/http does for HTTP/1.0's sake
	}
	conn := r.Conn()
	req := &http.Request{
		Method: r.Method(), URL: u, RequestURI: r.URI(),
		Proto: r.Proto(), ProtoMajor: r.Major(), ProtoMinor: r.Minor(),
		Header: h, Host: r.Authority(), Body: http.NoBody,
		RemoteAddr: remoteAddr(conn), Close: !r.KeepAlive(),
		TLS: conn.TLS(), ContentLength: r.BodyLength(),
	}
	if r.InputHeaders().Get("Transfer-Encoding") != "" {
		req.TransferEncoding = []string{"chunked"}
		h.Del("Transfer-Encoding")
		req.Trailer = announcedTrailer(h)
	}
	return req, nil
}

// remoteAddr returns the peer's address as net/http has it: "@" is that of Unix
// sockets without a name.
func remoteAddr(c *evhttp.Conn) string {
	addr := c.PeerAddr()
	if !addr.IsValid() {
		return "@"
	}
	return addr.String()
}

func requestURL(r *evhttp.Request) (*url.URL, error) {
	target := r.URI()
	if r.Command() != evhttp.MethodConnect || strings.HasPrefix(target, "/") {
		return url.ParseRequestURI(target)
	}
	u, err := url.ParseRequestURI("http://" + target)
	if err == nil {
		u.Scheme = ""
	}
	return u, err
}

// announcedTrailer returns the trailer fields that a Trailer field announces,
// with values to come.
func announcedTrailer(h http.Header) (trailer http.Header) {
	for name := range listed(h["Trailer"]) {
		if trailer == nil {
			trailer = make(http.Header)
		}
		trailer[name] = nil
	}
	h.Del("Trailer")
	return trailer
}

// listed yields the names of fields that are listed in Trailer fields and may be
// in a trailer.
func listed(trailer []string) func(yield func(name string) bool) {
	return func(yield func(string) bool) {
		for _, list := range trailer {
			for name := range strings.SplitSeq(list, ",") {
				switch name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name {
				case "", "Transfer-Encoding", "Content-Length", "Trailer":
				default:
					if !yield(name) {
						return
					}
				}
			}
		}
	}
}

// addTrailer adds the trailer that has come to a request.
func addTrailer(req *http.Request, trailer http.Header) {
	if req.Trailer == nil {
		req.Trailer = trailer
		return
	}
	for name, values := range trailer { // in any order: they are in a map again
		req.Trailer[name] = values
	}
}

// inputTrailer returns the trailer that has come, or nil.
func inputTrailer(r *evhttp.Request) (trailer http.Header) {
	for name, value := range r.InputTrailers().All() {
		if trailer == nil {
			trailer = make(http.Header)
		}
		trailer.Add(name, value)
	}
	return trailer
}
