//go:build linux && !amd64 && !arm64

package server

import (
	"fmt"
	"runtime"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// serveNetpoll fails: netpoll v0.7.2 does not compile everywhere.
func serveNetpoll(ready) error {
	return fmt.Errorf("%w: netpoll needs amd64 or arm64, not %s", measure.ErrUnable, runtime.GOARCH)
}
