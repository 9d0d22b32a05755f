package blocking_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-libevent/libevent/openssl/internal/blocking"
)

// section notes that it was used, and gives functions a context of its own.
type section struct {
	used int
	ctx  context.Context
}

func (s *section) Block(_ context.Context, fn func(context.Context) error) error {
	s.used++
	return fn(s.ctx)
}

func TestDoUsesTheSectionOfTheContext(t *testing.T) {
	failure := errors.New("failure")
	type key struct{}
	own := context.WithValue(context.Background(), key{}, 1)
	s := &section{ctx: own}
	within := context.WithValue(blocking.With(context.Background(), s), key{}, 2)
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want context.Context
		used int
	}{
		{"no section", own, own, 0},
		{"a section", within, own, 1},
	} {
		s.used = 0
		err := blocking.Do(tt.ctx, func(got context.Context) error {
			if got != tt.want {
				t.Errorf("%s: context %v, want %v", tt.name, got, tt.want)
			}
			return failure
		})
		if err != failure || s.used != tt.used {
			t.Errorf("%s: error %v, used %d times, want %d", tt.name, err, s.used, tt.used)
		}
	}
}
