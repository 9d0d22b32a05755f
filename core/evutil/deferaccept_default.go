//go:build !linux

package evutil

func setDeferAccept(int) error { return nil }
