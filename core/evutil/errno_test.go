package evutil_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

// An errnoTest says how a system error is classified.
type errnoTest struct {
	err                                error
	rw, connect, refused, accept, gone bool
}

func TestErrorClasses(t *testing.T) {
	tests := append(errnoTests, errnoTest{err: nil}, errnoTest{err: errors.New("no system error")})
	for _, test := range tests {
		checkErrorClass(t, test)
		if test.err != nil {
			test.err = fmt.Errorf("read fd 7: %w", os.NewSyscallError("read", test.err))
			checkErrorClass(t, test)
		}
	}
}

func checkErrorClass(t *testing.T, test errnoTest) {
	t.Helper()
	for _, class := range []struct {
		name string
		is   func(error) bool
		want bool
	}{
		{"IsRetriable", evutil.IsRetriable, test.rw},
		{"IsConnectRetriable", evutil.IsConnectRetriable, test.connect},
		{"IsConnectRefused", evutil.IsConnectRefused, test.refused},
		{"IsAcceptRetriable", evutil.IsAcceptRetriable, test.accept},
		{"IsDisconnect", evutil.IsDisconnect, test.gone},
	} {
		if got := class.is(test.err); got != class.want {
			t.Errorf("%s(%v) is %t", class.name, test.err, got)
		}
	}
}
