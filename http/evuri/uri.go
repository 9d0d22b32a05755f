package evuri

import (
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// Flags changes how URIs are read and written. Flags are combined with |.
type Flags uint8

const (
	// Nonconformant tolerates any bytes in path, query and fragment, as some
	// clients send them, but for line ends and zero bytes
	// (EVHTTP_URI_NONCONFORMANT).
	Nonconformant Flags = 1 << 0
	// HostStripBrackets has [URI.Host] return IPv6 addresses without the
	// brackets that they have in a URI, as is right for looking them up
	// (EVHTTP_URI_HOST_STRIP_BRACKETS).
	HostStripBrackets Flags = 1 << 2
	// UnixSocket allows a Unix socket in the place of host and port, with a
	// colon after its path, as in http://unix:/run/control.sock:/status
	// (EVHTTP_URI_UNIX_SOCKET).
	UnixSocket Flags = 1 << 3
)

// A Part is a part of a URI, or a set of them.
type Part uint8

// The parts of a URI, in the order in which they come.
const (
	PartScheme Part = 1 << iota
	PartUserinfo
	PartHost
	PartUnixSocket // in the place of PartHost and PartPort
	PartPort
	PartPath
	PartQuery
	PartFragment
)

// String returns the names of the parts.
func (p Part) String() string {
	var names []string
	for i, name := range [...]string{"scheme", "userinfo", "host", "Unix socket", "port", "path", "query", "fragment"} {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// A URI is a URI or a relative reference, taken apart as RFC 3986 says:
//
//	scheme://userinfo@host:port/path?query#fragment
//
// Parts are kept as they are written; no escapes are decoded. A part can be
// missing, and all but the scheme can also be there and empty, which is not the
// same: "file:///etc/motd" has an empty host, "mailto:me@example.com" has none.
// [URI.Has] tells. The zero value has no parts (evhttp_uri_new).
//
// A URI is a value and may be copied and compared. The methods that read it may
// be called from any goroutine (struct evhttp_uri).
type URI struct {
	flags      Flags
	has        Part
	port       uint16
	scheme     string
	userinfo   string
	host       string // with its brackets
	unixSocket string
	path       string
	query      string
	fragment   string
}

// Parse takes apart a URI or a relative reference, such as a request's
// "/path?query". Beyond RFC 3986, a port is at most 65535. A URI without a path
// has an empty one. The error is ErrURI. It may be called from any goroutine
// (evhttp_uri_parse).
func Parse(s string) (URI, error) { return ParseFlags(s, 0) }

// ParseFlags is Parse with flags (evhttp_uri_parse_with_flags).
func ParseFlags(s string, flags Flags) (URI, error) {
	u := URI{flags: flags}
	if bad := u.parse(s); bad != 0 {
		return URI{}, uriError("parse URI", s, bad)
	}
	return u, nil
}

// ParseAuthority takes apart what comes between "//" and the path of a URI, and
// is the target of a CONNECT request, such as "example.com:443". The error is
// ErrURI. It may be called from any goroutine.
func ParseAuthority(s string, flags Flags) (URI, error) {
	u := URI{flags: flags, has: PartPath}
	rest, bad := u.parseAuthority(s)
	if bad == 0 && rest != "" {
		bad = PartHost
	}
	if bad != 0 {
		return URI{}, uriError("parse authority", s, bad)
	}
	return u, nil
}

// parse returns the part that is wrong, or 0.
func (u *URI) parse(s string) (bad Part) {
	if scheme, rest, ok := strings.Cut(s, ":"); ok && ascii.IsScheme(scheme) {
		u.set(PartScheme, &u.scheme, scheme)
		s = rest
	}
	if after, ok := strings.CutPrefix(s, "//"); ok {
		if s, bad = u.parseAuthority(after); bad != 0 {
			return bad
		}
	}

	n := pathEnd(s, u.flags)
	u.set(PartPath, &u.path, s[:n])
	if s = s[n:]; strings.HasPrefix(s, "?") {
		n = queryEnd(s[1:], u.flags)
		u.set(PartQuery, &u.query, s[1:1+n])
		s = s[1+n:]
	}
	if strings.HasPrefix(s, "#") {
		n = fragmentEnd(s[1:], u.flags)
		u.set(PartFragment, &u.fragment, s[1:1+n])
		s = s[1+n:]
	}

	switch {
	case s == "" && u.pathFits():
		return 0
	case s == "" || u.has&(PartQuery|PartFragment) == 0:
		return PartPath
	case u.Has(PartFragment):
		return PartFragment
	default:
		return PartQuery
	}
}

// pathFits reports whether the path cannot be taken for other parts, given those
// that are there.
func (u *URI) pathFits() bool {
	switch {
	case u.has&(PartHost|PartUnixSocket) != 0:
		return u.path == "" || u.path[0] == '/'
	case strings.HasPrefix(u.path, "//"):
		return false
	default:
		return u.Has(PartScheme) || !firstSegmentHasColon(u.path)
	}
}

// parseAuthority returns what follows the authority, which is at the front of
// s, and the part that is wrong, or 0.
func (u *URI) parseAuthority(s string) (rest string, bad Part) {
	end := prefixWithout(s, "/?#")
	begin := 0
	if at := strings.IndexByte(s[:end], '@'); at >= 0 {
		if !validUserinfo(s[:at]) {
			return "", PartUserinfo
		}
		u.set(PartUserinfo, &u.userinfo, s[:at])
		begin = at + 1
	}
	if after, ok := strings.CutPrefix(s[begin:], "unix:"); ok && u.flags&UnixSocket != 0 {
		return u.parseUnixSocket(after)
	}

	host, port, found := cutPort(s[begin:end])
	if found && port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return "", PartPort
		}
		u.port = uint16(n)
		u.has |= PartPort
	}
	if !validHost(host) {
		if host[0] != '[' && strings.IndexByte(host, ':') >= 0 {
			return "", PartPort // it is not a number
		}
		return "", PartHost
	}
	u.set(PartHost, &u.host, host)
	return s[end:], 0
}

// parseUnixSocket is parseAuthority from behind "unix:" on.
func (u *URI) parseUnixSocket(s string) (rest string, bad Part) {
	socket, rest, ok := strings.Cut(s, ":")
	if !ok || !validUnixSocket(socket) {
		return "", PartUnixSocket
	}
	u.set(PartUnixSocket, &u.unixSocket, socket)
	return rest, 0
}

// cutPort cuts a port, which may be empty, off the end of s.
func cutPort(s string) (host, port string, found bool) {
	i := len(s)
	for i > 0 && ascii.Is(s[i-1], ascii.Digit) {
		i--
	}
	if i == 0 || s[i-1] != ':' {
		return s, "", false
	}
	return s[:i-1], s[i:], true
}

// set sets a part that was found good.
func (u *URI) set(p Part, field *string, value string) {
	*field = value
	u.has |= p
}

// Has reports whether all of these parts are there.
func (u *URI) Has(parts Part) bool { return u.has&parts == parts }

// Flags returns the flags.
func (u *URI) Flags() Flags { return u.flags }

// Scheme returns the scheme, such as "http", or nothing (evhttp_uri_get_scheme).
func (u *URI) Scheme() string { return u.scheme }

// Userinfo returns what precedes an "@", mostly a name and a password
// (evhttp_uri_get_userinfo).
func (u *URI) Userinfo() string { return u.userinfo }

// Host returns the host: a name, an IPv4 address, or an IPv6 address in
// brackets, which HostStripBrackets takes away (evhttp_uri_get_host).
func (u *URI) Host() string {
	if u.flags&HostStripBrackets != 0 && strings.HasPrefix(u.host, "[") {
		return u.host[1 : len(u.host)-1]
	}
	return u.host
}

// UnixSocket returns the path of the Unix socket, or nothing
// (evhttp_uri_get_unixsocket).
func (u *URI) UnixSocket() string { return u.unixSocket }

// Port returns the port, or -1 if there is none (evhttp_uri_get_port).
func (u *URI) Port() int {
	if !u.Has(PartPort) {
		return -1
	}
	return int(u.port)
}

// Path returns the path (evhttp_uri_get_path).
func (u *URI) Path() string { return u.path }

// Query returns the query without its "?" (evhttp_uri_get_query).
func (u *URI) Query() string { return u.query }

// Fragment returns the fragment without its "#" (evhttp_uri_get_fragment).
func (u *URI) Fragment() string { return u.fragment }
