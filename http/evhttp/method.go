package evhttp

// A Method is a request method, and a union of them is a set, as for
// [Server.SetAllowedMethods]. Methods that are not here are 0, unless the server
// was told of them (enum evhttp_cmd_type).
type Method uint32

// The methods.
const (
	MethodGet       Method = 1 << iota // EVHTTP_REQ_GET
	MethodPost                         // EVHTTP_REQ_POST
	MethodHead                         // EVHTTP_REQ_HEAD
	MethodPut                          // EVHTTP_REQ_PUT
	MethodDelete                       // EVHTTP_REQ_DELETE
	MethodOptions                      // EVHTTP_REQ_OPTIONS
	MethodTrace                        // EVHTTP_REQ_TRACE
	MethodConnect                      // EVHTTP_REQ_CONNECT
	MethodPatch                        // EVHTTP_REQ_PATCH
	MethodPropfind                     // EVHTTP_REQ_PROPFIND
	MethodProppatch                    // EVHTTP_REQ_PROPPATCH
	MethodMkcol                        // EVHTTP_REQ_MKCOL
	MethodLock                         // EVHTTP_REQ_LOCK
	MethodUnlock                       // EVHTTP_REQ_UNLOCK
	MethodCopy                         // EVHTTP_REQ_COPY
	MethodMove                         // EVHTTP_REQ_MOVE

	// MethodMax is the last of the methods that have names here
	// (EVHTTP_REQ_MAX).
	MethodMax = MethodMove
)

// AnyMethod stands for every method, also those without a name here, in
// [Server.SetAllowedMethods].
const AnyMethod Method = 1<<32 - 1

// DefaultMethods are the methods that a server allows if nothing else was set, for
// handlers that are not net/http's.
const DefaultMethods = MethodGet | MethodPost | MethodHead | MethodPut | MethodDelete

var methodNames = [...]string{
	"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH",
	"PROPFIND", "PROPPATCH", "MKCOL", "LOCK", "UNLOCK", "COPY", "MOVE",
}

// String returns the names of the methods in m, with commas between them, as in
// an Allow field.
func (m Method) String() string {
	names := ""
	for i, name := range methodNames {
		if m&(1<<i) == 0 {
			continue
		}
		if names != "" {
			names += ", "
		}
		names += name
	}
	return names
}

// methodOf returns the method of this name, or 0. Names are case-sensitive. It is asked for
// each request, so that it spells the names out, which is faster than to look them up.
func methodOf(name []byte) Method {
	switch string(name) {
	case "GET":
		return MethodGet
	case "POST":
		return MethodPost
	case "HEAD":
		return MethodHead
	case "PUT":
		return MethodPut
	case "DELETE":
		return MethodDelete
	case "OPTIONS":
		return MethodOptions
	case "TRACE":
		return MethodTrace
	case "CONNECT":
		return MethodConnect
	case "PATCH":
		return MethodPatch
	case "PROPFIND":
		return MethodPropfind
	case "PROPPATCH":
		return MethodProppatch
	case "MKCOL":
		return MethodMkcol
	case "LOCK":
		return MethodLock
	case "UNLOCK":
		return MethodUnlock
	case "COPY":
		return MethodCopy
	case "MOVE":
		return MethodMove
	}
	return 0
}

// idempotent are the methods that have no more effect twice than once.
const idempotent = MethodGet | MethodHead | MethodPut | MethodDelete | MethodOptions | MethodTrace
