package evhttp

import (
	"strings"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/evuri"
	"github.com/go-libevent/libevent/http/internal/message"
)

// Command returns the method, or 0 for one that has no name here
// (evhttp_request_get_command).
func (r *Request) Command() Method { return r.method }

// Method returns the name of the method.
func (r *Request) Method() string {
	if r.name == "" {
		if r.method != 0 && r.method <= MethodMax {
			return r.method.String()
		}
		if r.asked != nil {
			r.name = string(r.asked.Method())
		}
	}
	return r.name
}

// URI returns the request target as it was sent: the path and the query, or for
// a proxy the whole URI (evhttp_request_get_uri).
func (r *Request) URI() string {
	if r.target == "" && r.asked != nil {
		r.target = string(r.asked.Target())
	}
	return r.target
}

// ParsedURI returns the request target taken apart. The error is that of
// [evuri.Parse]: a target that HTTP allows may be no URI
// (evhttp_request_get_evhttp_uri).
func (r *Request) ParsedURI() (*evuri.URI, error) {
	if r.uri == nil {
		u, err := evuri.Parse(r.URI())
		if err != nil {
			return nil, err
		}
		r.uri = &u
	}
	return r.uri, nil
}

// Query returns the fields of the query of the request target. The error is that
// of [evuri.ParseQuery].
func (r *Request) Query() (evuri.Query, error) {
	_, query, _ := strings.Cut(r.URI(), "?")
	return evuri.ParseQuery(query)
}

// PathValue returns what a wildcard stands for of the pattern that has led to the
// handler, decoded; see [Server.HandlePattern].
func (r *Request) PathValue(name string) string { return r.match.Value(name) }

// FindPathValue is PathValue, and reports whether the pattern has that wildcard.
func (r *Request) FindPathValue(name string) (value string, ok bool) { return r.match.Find(name) }

// Pattern returns the pattern that has led to the handler, or nothing.
func (r *Request) Pattern() string { return r.match.Pattern() }

// Host returns the host that the request is for, without the port: that of the
// target if it has one, otherwise that of the Host field
// (evhttp_request_get_host).
func (r *Request) Host() string {
	if r.asked == nil {
		return ""
	}
	return string(withoutPort(r.asked.Host()))
}

// Path returns the path of the request target as it was sent, without the query;
// "/" where a whole URI has none, nothing where the target has no path.
func (r *Request) Path() string { return string(pathOf(r)) }

// Proto returns the version of HTTP of the peer's message as text, such as
// "HTTP/1.1". Before its head has come, it is that of the connection; when the request is
// over without one, nothing.
func (r *Request) Proto() string {
	if p := r.version(); p != (message.Proto{}) {
		return p.String()
	}
	return ""
}

// Major returns the major version that Proto tells: 1 for HTTP/1.1, or 0 for none.
func (r *Request) Major() int { return int(r.version().Major) }

// Minor returns the minor version that Proto tells: 0 for HTTP/1.0, 1 for HTTP/1.1.
func (r *Request) Minor() int { return int(r.version().Minor) }

func (r *Request) version() message.Proto {
	switch {
	case r.incoming != nil:
		return r.incoming.Proto
	case r.ex != nil:
		return r.ex.proto()
	}
	return message.Proto{}
}

// InputHeaders returns the header fields that have come from the peer
// (evhttp_request_get_input_headers).
func (r *Request) InputHeaders() *Header {
	if r.incoming == nil {
		return new(Header)
	}
	return (*Header)(&r.incoming.Header)
}

// InputTrailers returns the trailer fields that have come from the peer, which
// has happened when the message is complete. They are not part of the header, so
// that no peer can slip in there what others have not seen.
func (r *Request) InputTrailers() *Header {
	if r.inTrailer == nil {
		return new(Header)
	}
	return (*Header)(r.inTrailer)
}

// Input returns the body that has come from the peer
// (evhttp_request_get_input_buffer).
func (r *Request) Input() *evbuffer.Buffer { return &r.input.Buffer }

// Complete reports whether all of the peer's message has come.
func (r *Request) Complete() bool { return r.received }

// BodyLength returns the length in bytes of the body of the peer's message as its head
// announces it, 0 if there is none, and -1 if only its end will tell, as with chunks. The
// answer to HEAD has no body, whatever it announces. Before the head has come it is 0.
func (r *Request) BodyLength() int64 {
	if r.incoming == nil {
		return 0
	}
	return max(r.incoming.Length, message.Unknown)
}

// SwitchesProtocol reports whether another protocol follows the answer that has come:
// after 101, or 2xx to CONNECT. See [Request.Hijack].
func (r *Request) SwitchesProtocol() bool {
	return r.incoming != nil && r.incoming.Length == message.Tunnel
}

// KeepAlive reports whether the peer's message allows for another one on its connection
// (RFC 9112, section 9.3).
func (r *Request) KeepAlive() bool { return r.incoming != nil && r.incoming.KeepAlive }

// ExpectsContinue reports whether the client waits for an interim or final response
// before it sends the body (RFC 9110, section 10.1.1). It is false on a client.
func (r *Request) ExpectsContinue() bool {
	return r.asked != nil && r.asked.Expect == message.ExpectContinue
}

// Authority returns the host and port that the request is for, as they were sent: those
// of the target if it has them, otherwise the Host field. It is empty on a client.
func (r *Request) Authority() string {
	if r.asked == nil {
		return ""
	}
	return string(r.asked.Host())
}

// ResponseCode returns the status code of the answer, or 0 if there is none yet
// (evhttp_request_get_response_code).
func (r *Request) ResponseCode() int { return r.code }

// Reason returns the reason phrase of the answer
// (evhttp_request_get_response_code_line).
func (r *Request) Reason() string { return r.reason }
