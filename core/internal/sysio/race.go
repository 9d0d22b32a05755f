//go:build race

package sysio

import "sync/atomic"

// What one goroutine writes to a descriptor another may read from it, and then
// everything before the write happened before everything after the read. The
// race detector learns that from package syscall for its calls and from here
// for ours.
var order atomic.Uint32

func release() { order.Add(1) }
func acquire() { order.Load() }
