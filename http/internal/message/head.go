package message

// A Head is everything of a message that precedes its body. Its text lies in one piece of
// memory, that of the Header, to which the other parts refer; what the methods return is
// valid until Reset or a change to the Header. A head is filled by whatever has decoded
// it, and keeps its memory from message to message.
type Head struct {
	// Header holds the fields. Changing them leaves the other parts as they are.
	Header Fields

	// At says where in the text the parts lie that are no fields. Those that a message
	// does not have are empty.
	At Layout

	// Proto is the version of HTTP that the message says it has.
	Proto Proto
	// Form is the form of a request's target.
	Form TargetForm
	// Expect says whether a client waits before it sends the body.
	Expect Expectation
	// KeepAlive says whether the sender allows for another message after this one on what
	// has carried it. Streams of HTTP/2 carry one, and their connection more.
	KeepAlive bool

	// Status is the status code of a response, from 100 to 999. Those from 600 on have no
	// meaning, and are treated as 500.
	Status int
	// Length is the length of the body in bytes, 0 if there is none, or one of the
	// constants Unknown and Tunnel.
	Length int64
}

// Lengths of bodies that are no number of bytes.
const (
	// Unknown is the length of a body that ends where its carrier says so.
	Unknown int64 = -1
	// Tunnel stands for a stream of another protocol, which follows the head.
	Tunnel int64 = -2
)

// A Layout says where in the text of a head its parts lie.
type Layout struct{ Method, Target, Scheme, Authority, Path, Reason Span }

// A Span is the part of a text between two offsets.
type Span struct{ From, To uint32 }

// SpanOf returns the span between two offsets.
func SpanOf(from, to int) Span { return Span{uint32(from), uint32(to)} }

// A Proto is a version of HTTP.
type Proto struct{ Major, Minor uint8 }

// The versions that there are connections of.
var (
	HTTP10 = Proto{1, 0}
	HTTP11 = Proto{1, 1}
)

// String returns the version as net/http and access logs write it: "HTTP/1.1".
func (p Proto) String() string {
	switch p {
	case HTTP10:
		return "HTTP/1.0"
	case HTTP11:
		return "HTTP/1.1"
	}
	return string([]byte{'H', 'T', 'T', 'P', '/', '0' + p.Major%10, '.', '0' + p.Minor%10})
}

// A TargetForm is one of the four forms of a request target (RFC 9112, section 3.2).
type TargetForm uint8

// The forms. Those of HTTP/2 correspond to them (RFC 9113, section 8.3.1).
const (
	OriginForm    TargetForm = iota // "/path?query"
	AbsoluteForm                    // "http://host/path?query", as proxies get it
	AuthorityForm                   // "host:port", for CONNECT
	AsteriskForm                    // "*", for OPTIONS
)

// An Expectation is what the Expect fields of a request ask for.
type Expectation uint8

const (
	// ExpectNothing is a request without Expect, or of HTTP/1.0, where it means nothing.
	ExpectNothing Expectation = iota
	// ExpectContinue is a client that waits for "100 Continue" or a final response.
	ExpectContinue
	// ExpectOther is an expectation that is not known. The answer to it may be 417.
	ExpectOther
)

// Reset makes h ready for another message. It names the fields, because copying all of
// them takes longer than parsing a line.
func (h *Head) Reset() {
	h.Header.Reset()
	h.At = Layout{}
	h.Proto, h.Form, h.Expect, h.KeepAlive, h.Status, h.Length = Proto{}, OriginForm, ExpectNothing, false, 0, 0
}

// bytes returns a part of the text.
func (h *Head) bytes(s Span) []byte { return h.Header.text[s.From:s.To:s.To] }

// Method returns the method of a request as it came: methods are case-sensitive.
func (h *Head) Method() []byte { return h.bytes(h.At.Method) }

// Target returns the target of a request as it came.
func (h *Head) Target() []byte { return h.bytes(h.At.Target) }

// Scheme returns the scheme that a request is for, or nothing if the message does not
// say: that of HTTP/1.1 does with a target in absolute form alone.
func (h *Head) Scheme() []byte { return h.bytes(h.At.Scheme) }

// Path returns the path and query of a target: in origin form all of it, in absolute form
// what follows the authority, which may be nothing or begin with the question mark of the
// query; in the other forms nothing.
func (h *Head) Path() []byte { return h.bytes(h.At.Path) }

// Host returns the host and port that a request is for: the authority of the target if it
// has one, otherwise the Host field. It is empty if neither says.
func (h *Head) Host() []byte {
	if a := h.At.Authority; a.From < a.To {
		return h.bytes(h.At.Authority)
	}
	return h.Header.GetKnown(Host)
}

// Reason returns the reason phrase of a response, which may be empty. HTTP/2 has none.
func (h *Head) Reason() []byte { return h.bytes(h.At.Reason) }

// Informational reports whether a response only precedes the final one.
func (h *Head) Informational() bool { return h.Status < 200 && h.Status != 101 }
