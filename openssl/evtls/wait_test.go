package evtls_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-libevent/libevent/openssl/evtls"
)

func TestWaitElsewhereJustCalls(t *testing.T) {
	failure := errors.New("failure")
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, 1)
	err := evtls.Wait(ctx, func(got context.Context) error {
		if got != ctx {
			t.Errorf("got context %v", got)
		}
		return failure
	})
	if err != failure {
		t.Errorf("error %v", err)
	}
}
