package evutil

import "errors"

func setReuseAddr(int) error   { return nil }
func setReusePort(int) error   { return errors.ErrUnsupported }
func setDeferAccept(int) error { return nil }
