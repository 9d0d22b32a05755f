//go:build !linux && !dragonfly && !freebsd

package evutil

import "errors"

func setReusePort(int) error { return errors.ErrUnsupported }
