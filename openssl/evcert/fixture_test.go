package evcert_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
)

// patience is how long something may take before the test counts as failed. It
// is never waited for by a test that passes.
const patience = 20 * time.Second

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want fails the test unless got is the value that is wanted; what says of what.
func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// wantError fails the test unless err wraps target; nil wants none.
func wantError(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("%s: got error %v, want %v", what, err, target)
	}
}

// newBase makes a base that is freed at the end of the test, which must not leave
// anything behind. It comes first in a test.
var newBase = evtest.Base
