//go:build !linux

package evutil

import "testing"

// checkDescriptors is only possible on Linux.
func checkDescriptors(*testing.T) {}
