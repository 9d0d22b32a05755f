//go:build unix

package evutil

import (
	"errors"
	"net/netip"
)

func adapterNameservers() ([]netip.Addr, error) { return nil, errors.ErrUnsupported }
