package evtls

import (
	"net/http"
	"net/netip"
	"strings"
)

// challengePath is what the paths of HTTP-01 challenges begin with (RFC 8555
// section 8.3).
const challengePath = "/.well-known/acme-challenge/"

// challengeRequest is what a ChallengeServer wants to know of a request.
type challengeRequest struct {
	method string // GET or HEAD
	target string // path and query
	host   string // with the port, if there is one
}

// parseRequest parses the head of a request (RFC 9112), without the empty line
// at its end, and returns it, or the status of what is wrong with it. It is
// strict: what two parsers could read differently is refused, as is a body.
func parseRequest(head string) (challengeRequest, int) {
	var r challengeRequest
	lines := strings.Split(head, "\r\n")
	parts := strings.Split(lines[0], " ")
	if len(parts) != 3 || !isToken(parts[0]) || !visible(parts[1]) || !strings.HasPrefix(parts[1], "/") {
		return r, http.StatusBadRequest
	}
	r.method, r.target = parts[0], parts[1]
	version := parts[2]
	switch {
	case len(version) != len("HTTP/1.1") || !strings.HasPrefix(version, "HTTP/"):
		return r, http.StatusBadRequest
	case version != "HTTP/1.1" && version != "HTTP/1.0":
		return r, http.StatusHTTPVersionNotSupported
	}
	if status := r.parseFields(lines[1:]); status != 0 {
		return r, status
	}
	switch {
	case r.host == "" && version == "HTTP/1.1":
		return r, http.StatusBadRequest
	case r.method != http.MethodGet && r.method != http.MethodHead:
		return r, http.StatusMethodNotAllowed
	}
	return r, 0
}

// parseFields looks for the header fields that matter.
func (r *challengeRequest) parseFields(lines []string) int {
	lengths := 0
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return http.StatusBadRequest
		}
		value = strings.Trim(value, " \t")
		switch strings.ToLower(name) {
		case "host":
			if r.host != "" || !isHost(value) {
				return http.StatusBadRequest
			}
			r.host = value
		case "content-length":
			if lengths++; lengths > 1 || strings.Trim(value, "0123456789") != "" || value == "" {
				return http.StatusBadRequest
			}
			if strings.Trim(value, "0") != "" {
				return http.StatusRequestEntityTooLarge
			}
		case "transfer-encoding", "upgrade":
			return http.StatusBadRequest
		}
	}
	return 0
}

// isToken reports whether s can be the name of a header field (RFC 9110 section
// 5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// visible reports whether s has nothing but visible ASCII.
func visible(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// isHost reports whether s is a name or an address, with or without a port.
func isHost(s string) bool {
	host := withoutPort(s)
	if strings.HasPrefix(host, "[") {
		addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return err == nil && addr.Is6() && addr.Zone() == ""
	}
	for _, c := range []byte(host) {
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return host != ""
}

// withoutPort returns a host without its port, if it has one.
func withoutPort(host string) string {
	colon := strings.LastIndexByte(host, ':')
	if colon < 0 || strings.HasSuffix(host, "]") {
		return host
	}
	for _, c := range []byte(host[colon+1:]) {
		if c < '0' || c > '9' {
			return host // and so none
		}
	}
	return host[:colon]
}

// challengeToken returns the token that a request is about (RFC 8555 section
// 8.3), and whether it is about one.
func (r *challengeRequest) challengeToken() (string, bool) {
	token, ok := strings.CutPrefix(r.target, challengePath)
	if !ok || token == "" || len(token) > maxToken {
		return "", false
	}
	for _, c := range []byte(token) {
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && c != '-' && c != '_' {
			return "", false
		}
	}
	return token, true
}
