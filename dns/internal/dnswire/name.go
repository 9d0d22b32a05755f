package dnswire

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// CheckHostname returns an error that wraps ErrName if name is not a host name.
// Underscores are allowed, as the names of services have them.
func CheckHostname(name string) error {
	if len(name) == 0 {
		return fmt.Errorf("empty name: %w", ErrName)
	}
	start := 0 // of the label
	for i := range len(name) {
		switch c := name[i]; {
		case inLabel[c]:
		case c != '.':
			return fmt.Errorf("character %q in it: %w", c, ErrName)
		case i == start:
			return fmt.Errorf("empty label: %w", ErrName)
		case i-start > maxLabel:
			return fmt.Errorf("label of %d bytes: %w", i-start, ErrName)
		default:
			start = i + 1
		}
	}
	if n := len(name) - start; n > maxLabel {
		return fmt.Errorf("label of %d bytes: %w", n, ErrName)
	}
	if len(strings.TrimSuffix(name, "."))+2 > MaxName { // with the length of the first label, and the root
		return fmt.Errorf("%d bytes long: %w", len(name), ErrName)
	}
	return nil
}

// inLabel holds the characters of host names.
var inLabel = func() (table [256]bool) {
	for c := range table {
		table[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
	}
	return table
}()

// TrimDot returns name without the dot at its end, unless that is escaped or name
// is the root.
func TrimDot(name string) string {
	if len(name) > 1 && dns.IsFqdn(name) {
		return name[:len(name)-1]
	}
	return name
}

// ReverseName returns the name whose PTR records are the names of an address. The
// error is ErrAddress if the address is not valid.
func ReverseName(addr netip.Addr) (string, error) {
	if !addr.IsValid() {
		return "", ErrAddress
	}
	return dns.ReverseAddr(addr.Unmap().WithZone("").String())
}

// SkipName returns where a name ends, compressed or not. It follows no pointer.
func SkipName(msg []byte, off int) (end int, ok bool) {
	for off < len(msg) {
		switch c := int(msg[off]); {
		case c == 0:
			return off + 1, true
		case c >= 0xc0:
			return off + 2, true
		default:
			off += 1 + c
		}
	}
	return off, false
}

// Lower returns c in lower case, if it is a letter of ASCII: names ignore the case
// of no others (RFC 4343).
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
