package loop

import (
	"fmt"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// Pipes is measured on Unix only.
func Pipes(_, _, _ int) ([]measure.Figure, error) {
	return nil, fmt.Errorf("%w: pipes need Unix", measure.ErrUnable)
}
