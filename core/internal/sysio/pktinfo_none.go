//go:build !linux

package sysio

import "errors"

// CanTellLocal says whether sockets can tell which address messages came to,
// and be told which to send from.
const CanTellLocal = false

// TellLocal would make a socket tell to which local address each message was
// sent.
func TellLocal(int) error { return errors.ErrUnsupported }
