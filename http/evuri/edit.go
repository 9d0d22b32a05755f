package evuri

import (
	"fmt"
	"math"
	"strconv"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// SetFlags replaces the flags. They count from now on, also for parts that are
// there already, except that nothing is checked again (evhttp_uri_set_flags).
func (u *URI) SetFlags(flags Flags) { u.flags = flags }

// Clear removes parts. In C this is to set them to NULL.
func (u *URI) Clear(parts Part) {
	for _, part := range []struct {
		part  Part
		field *string
	}{
		{PartScheme, &u.scheme}, {PartUserinfo, &u.userinfo}, {PartHost, &u.host}, {PartUnixSocket, &u.unixSocket},
		{PartPath, &u.path}, {PartQuery, &u.query}, {PartFragment, &u.fragment},
	} {
		if parts&part.part != 0 {
			*part.field = ""
		}
	}
	if parts&PartPort != 0 {
		u.port = 0
	}
	u.has &^= parts
}

// replace sets a part if it is good, and otherwise leaves the URI as it is.
func (u *URI) replace(p Part, field *string, value string, good bool) error {
	if !good {
		return uriError(fmt.Sprint("set ", p), value, p)
	}
	u.set(p, field, value)
	return nil
}

// SetScheme sets the scheme. The error of this and the other setters is ErrURI
// if the value cannot be that part of a URI as it is; then the URI does not
// change (evhttp_uri_set_scheme).
func (u *URI) SetScheme(s string) error {
	return u.replace(PartScheme, &u.scheme, s, ascii.IsScheme(s))
}

// SetUserinfo sets the userinfo (evhttp_uri_set_userinfo).
func (u *URI) SetUserinfo(s string) error {
	return u.replace(PartUserinfo, &u.userinfo, s, validUserinfo(s))
}

// SetHost sets the host; an IPv6 address needs its brackets
// (evhttp_uri_set_host).
func (u *URI) SetHost(s string) error {
	return u.replace(PartHost, &u.host, s, validHost(s))
}

// SetUnixSocket sets the path of a Unix socket, which [URI.Join] writes instead
// of host and port (evhttp_uri_set_unixsocket).
func (u *URI) SetUnixSocket(s string) error {
	return u.replace(PartUnixSocket, &u.unixSocket, s, validUnixSocket(s))
}

// SetPort sets the port; -1 removes it (evhttp_uri_set_port).
func (u *URI) SetPort(port int) error {
	switch {
	case port == -1:
		u.Clear(PartPort)
	case port < 0 || port > math.MaxUint16:
		return uriError("set port", strconv.Itoa(port), PartPort)
	default:
		u.port = uint16(port)
		u.has |= PartPort
	}
	return nil
}

// SetPath sets the path (evhttp_uri_set_path).
func (u *URI) SetPath(s string) error {
	return u.replace(PartPath, &u.path, s, pathEnd(s, u.flags) == len(s))
}

// SetQuery sets the query, without a "?" in front (evhttp_uri_set_query).
func (u *URI) SetQuery(s string) error {
	return u.replace(PartQuery, &u.query, s, queryEnd(s, u.flags) == len(s))
}

// SetFragment sets the fragment, without a "#" in front
// (evhttp_uri_set_fragment).
func (u *URI) SetFragment(s string) error {
	return u.replace(PartFragment, &u.fragment, s, fragmentEnd(s, u.flags) == len(s))
}

// Join writes the parts as one URI or relative reference. The error is ErrURI if
// that would be read in another way than it was meant: if a path does not begin
// with "/" after a host, or begins with "//" without one, or has a colon in the
// first segment with nothing before it, or if there is a userinfo or a port but
// no host (evhttp_uri_join).
func (u *URI) Join() (string, error) {
	b, err := u.AppendJoin(nil)
	return string(b), err
}

// AppendJoin is Join and appends to dst. Then an error leaves dst as it is.
func (u *URI) AppendJoin(dst []byte) ([]byte, error) {
	begin := len(dst)
	joined := u.append(dst)
	if bad := u.unreadable(string(joined[begin:])); bad != 0 {
		return dst, uriError("join URI", string(joined[begin:]), bad)
	}
	return joined, nil
}

// String returns the parts as one text, even where Join gives an error.
func (u *URI) String() string { return string(u.append(nil)) }

// unreadable returns a part that is lost if u is written as s, or 0.
func (u *URI) unreadable(s string) Part {
	again := URI{flags: u.flags}
	if u.Has(PartUnixSocket) {
		again.flags |= UnixSocket
	}
	if bad := again.parse(s); bad != 0 {
		return bad
	}
	want := *u
	want.has |= PartPath
	want.flags = again.flags
	if u.Has(PartUnixSocket) {
		want.Clear(PartHost | PartPort)
	}
	if again == want {
		return 0
	}
	if lost := want.has &^ again.has; lost != 0 {
		return lost
	}
	return PartPath
}

func (u *URI) append(dst []byte) []byte {
	if u.Has(PartScheme) {
		dst = append(append(dst, u.scheme...), ':')
	}
	if u.has&(PartHost|PartUnixSocket) != 0 {
		dst = u.appendAuthority(append(dst, "//"...))
	}
	dst = append(dst, u.path...)
	if u.Has(PartQuery) {
		dst = append(append(dst, '?'), u.query...)
	}
	if u.Has(PartFragment) {
		dst = append(append(dst, '#'), u.fragment...)
	}
	return dst
}

func (u *URI) appendAuthority(dst []byte) []byte {
	if u.Has(PartUserinfo) {
		dst = append(append(dst, u.userinfo...), '@')
	}
	if u.Has(PartUnixSocket) {
		return append(append(append(dst, "unix:"...), u.unixSocket...), ':')
	}
	dst = append(dst, u.host...)
	if u.Has(PartPort) {
		dst = strconv.AppendInt(append(dst, ':'), int64(u.port), 10)
	}
	return dst
}
