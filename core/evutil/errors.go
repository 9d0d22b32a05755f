package evutil

import (
	"errors"
	"fmt"
)

// What is wrong with an address. Those of getaddrinfo are [GAIError]s.
var (
	errNoService    = errors.New("missing port")
	errBadHost      = errors.New("not a host name or IP address")
	errBadService   = errors.New("port is neither a number from 0 to 65535 nor the name of a service")
	errNoBrackets   = errors.New("IPv6 address without brackets")
	errBadUnixPath  = errors.New("empty path, or one with a zero byte")
	errNoBracket    = errors.New("missing ']'")
	errAfterBracket = errors.New("unexpected text after ']'")
	errBadPort      = errors.New("port is not a number from 1 to 65535")
	errNotIPv6      = errors.New("not an IPv6 address")
	errNotIPv4      = errors.New("not an IPv4 address")
)

// opError adds the package and the operation, with its object, to a cause.
func opError(op string, err error) error { return fmt.Errorf("evutil: %s: %w", op, err) }

// fdError is opError for an operation on a descriptor.
func fdError(op string, fd int, err error) error {
	return opError(fmt.Sprintf("%s fd %d", op, fd), err)
}
