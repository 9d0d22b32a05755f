//go:build !linux && !windows

package pthreads_test

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/pthreads"
)

func TestAffinityThatCannotBeHadIsAnError(t *testing.T) {
	evtest.Leaks(t)
	g, err := pthreads.NewGroup(&pthreads.GroupConfig{CPUs: []int{0}})
	if !errors.Is(err, errors.ErrUnsupported) || g != nil {
		t.Errorf("NewGroup() = %v, %v", g, err)
	}
}
