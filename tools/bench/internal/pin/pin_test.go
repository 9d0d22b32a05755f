package pin

import (
	"errors"
	"testing"
)

func TestMoreProcessorsThanThereAre(t *testing.T) {
	if _, err := CPUs(1 << 20); !errors.Is(err, ErrTooFew) {
		t.Errorf("error %v, want %v", err, ErrTooFew)
	}
}
