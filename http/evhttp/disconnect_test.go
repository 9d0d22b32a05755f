package evhttp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"testing"
)

// What the system says of a peer that reads no more is recognized by its numbers on this
// system, also where package syscall has others.
func TestAPeerThatReadsNoMore(t *testing.T) {
	errs := map[string]error{"reset": syscall.ECONNRESET, "broken pipe": syscall.EPIPE}
	if runtime.GOOS == "windows" {
		errs["WSAECONNABORTED"], errs["WSAECONNRESET"], errs["WSAESHUTDOWN"] = syscall.Errno(10053), syscall.Errno(10054), syscall.Errno(10058)
	}
	errs["nothing"], errs["end"] = nil, io.EOF
	for name, err := range errs {
		if err != nil {
			err = fmt.Errorf("writev fd 7: %w", err)
		}
		if !peerReadsNoMore(err) {
			t.Errorf("%s: %v is not recognized", name, err)
		}
	}
	for _, err := range []error{errors.New("another"), os.ErrDeadlineExceeded, syscall.ETIMEDOUT, syscall.Errno(10060)} {
		if peerReadsNoMore(err) {
			t.Errorf("%v is taken for it", err)
		}
	}
}
