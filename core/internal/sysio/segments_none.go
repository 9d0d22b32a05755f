//go:build !linux

package sysio

// AllowSegments does nothing: only Linux sends several messages as one.
func (m *Messages) AllowSegments() {}
