// Package measure holds what all workloads have in common: the form of their
// results.
package measure

import "errors"

// Figure is one measured value, in the unit of its workload.
type Figure struct {
	Name  string
	Value float64
}

// ErrUnable says that a workload cannot be run on this machine.
var ErrUnable = errors.New("cannot be measured on this machine")
