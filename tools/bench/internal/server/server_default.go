//go:build !linux

package server

import (
	"fmt"
	"io"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// Serve returns measure.ErrUnable: there are servers on Linux only.
func Serve(string, []int, io.Reader, io.Writer) error {
	return fmt.Errorf("%w: the servers need Linux", measure.ErrUnable)
}
