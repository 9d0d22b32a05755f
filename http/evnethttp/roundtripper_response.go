package evnethttp

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-libevent/libevent/http/evhttp"
)

// newResponse makes net/http's form of the head of an answer.
func newResponse(r *evhttp.Request, req *http.Request) *http.Response {
	resp := &http.Response{
		Status: fmt.Sprintf("%03d %s", r.ResponseCode(), r.Reason()), StatusCode: r.ResponseCode(),
		Proto: r.Proto(), ProtoMajor: r.Major(), ProtoMinor: r.Minor(),
		Header: toHTTP(r.InputHeaders()), Request: req, Close: closes(r),
	}
	if r.InputHeaders().HasToken("Connection", "close") {
		resp.Header.Del("Connection") // Close says it
	}
	switch n := r.BodyLength(); {
	case r.SwitchesProtocol():
	case n > 0:
		resp.ContentLength = n
	case n < 0:
		resp.ContentLength = -1
		if r.InputHeaders().Get("Transfer-Encoding") != "" {
			resp.TransferEncoding = []string{"chunked"}
			resp.Header.Del("Transfer-Encoding")
			resp.Trailer = announcedTrailer(resp.Header)
		}
	case r.Method() == http.MethodHead:
		resp.ContentLength = announcedLength(r.InputHeaders())
	}
	if req.URL.Scheme == "https" {
		resp.TLS = r.Conn().TLS()
	}
	return resp
}

// announcedLength returns what a Content-Length field says, or -1.
func announcedLength(h *evhttp.Header) int64 {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// closes reports whether a response says that the connection ends with it. One
// that makes it into a tunnel does not, though it is the last of HTTP.
func closes(r *evhttp.Request) bool {
	if !r.SwitchesProtocol() {
		return !r.KeepAlive()
	}
	h := r.InputHeaders()
	return r.Minor() == 0 && !h.HasToken("Connection", "keep-alive") || h.HasToken("Connection", "close")
}

func toHTTP(h *evhttp.Header) http.Header {
	list := make(http.Header, h.Len())
	for name, value := range h.All() {
		key := http.CanonicalHeaderKey(name)
		list[key] = append(list[key], value)
	}
	return list
}
