package evrpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/go-libevent/libevent/rpc/evrpc"
)

// TestStatusNumbers has those of event2/rpc_struct.h, and the one that is not there.
func TestStatusNumbers(t *testing.T) {
	for n, want := range []struct {
		status evrpc.Status
		text   string
	}{
		{evrpc.StatusNone, "success"},
		{evrpc.StatusTimeout, "no answer"},
		{evrpc.StatusBadPayload, "bad payload"},
		{evrpc.StatusUnstarted, "not started"},
		{evrpc.StatusHookAborted, "aborted by a hook"},
		{evrpc.StatusCanceled, "canceled"},
		{evrpc.Status(6), "status 6"},
	} {
		if int(want.status) != n || want.status.String() != want.text || want.status.Error() != want.text {
			t.Errorf("status %d is %d, %q", n, want.status, want.status)
		}
	}
	if s := evrpc.Status(-1).String(); s != "status -1" {
		t.Errorf("status -1 is %q", s)
	}
}

func TestErrorsTellStatusAndCause(t *testing.T) {
	err := fmt.Errorf("around: %w", &evrpc.Error{Name: "Echo", Status: evrpc.StatusTimeout, Err: io.ErrUnexpectedEOF})
	var status evrpc.Status
	if !errors.As(err, &status) || status != evrpc.StatusTimeout {
		t.Errorf("status %v", status)
	}
	for _, target := range []error{evrpc.StatusTimeout, io.ErrUnexpectedEOF} {
		wantErr(t, "error", err, target)
	}
	for _, target := range []error{evrpc.StatusBadPayload, os.ErrDeadlineExceeded, context.DeadlineExceeded} {
		if errors.Is(err, target) {
			t.Errorf("%v is %v", err, target)
		}
	}
	var e *evrpc.Error
	if errors.As(err, &e); e.Timeout() || e.Temporary() {
		t.Error("a connection that has ended is a timeout")
	}
	for want, e := range map[string]*evrpc.Error{
		"evrpc: call Echo: no answer: EOF":                              {Name: "Echo", Status: evrpc.StatusTimeout, Err: io.EOF},
		"evrpc: call Echo: bad payload: EOF":                            {Name: "Echo", Status: evrpc.StatusBadPayload, Code: 200, Err: io.EOF},
		"evrpc: call Echo: bad payload: answer is no success: 404":      {Name: "Echo", Status: evrpc.StatusBadPayload, Code: 404, Err: evrpc.ErrAnswer},
		"evrpc: call Echo: not started: a hook has terminated the call": {Name: "Echo", Status: evrpc.StatusUnstarted, Err: evrpc.ErrTerminated},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
