//go:build dragonfly || freebsd || linux || netbsd || openbsd

package poller

import "math"

// selectLimit is the number of descriptors that select can watch. Here the
// kernel takes bitmaps of any length; FD_SETSIZE only concerns C programs.
const selectLimit = math.MaxInt32
