//go:build !windows

package evutil

import "time"

func preciseClock() time.Duration { return runtimeClock() }
