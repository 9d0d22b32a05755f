//go:build !linux

package resolver

import (
	"fmt"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// Resolve returns measure.ErrUnable: there are resolvers on Linux only.
func Resolve([]string) ([]measure.Figure, error) {
	return nil, fmt.Errorf("%w: the resolvers need Linux", measure.ErrUnable)
}

// Hold returns measure.ErrUnable.
func Hold(args []string) ([]measure.Figure, error) { return Resolve(args) }
