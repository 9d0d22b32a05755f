package evnethttp

import (
	"io"
	"net/http"
	"time"
)

// usuallyBodiless reports whether servers may not expect a body with a method.
func usuallyBodiless(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodDelete, http.MethodOptions, "PROPFIND", "SEARCH":
		return true
	}
	return false
}

// probe reports whether a body of unknown length is known to be empty, so that the
// request can do without an empty chunked body. Otherwise u.body has all of it.
func (u *upload) probe() (empty bool) {
	first := make(chan error, 1)
	var b [1]byte
	body := u.body
	go func() {
		n, err := io.ReadFull(body, b[:])
		if n > 0 {
			err = nil
		}
		first <- err
	}()
	timer := time.NewTimer(probeTime)
	defer timer.Stop()
	select { // in any order: the body is read by a goroutine of its own, whenever that runs
	case err := <-first:
		if err == io.EOF {
			return true
		}
		first <- err
	case <-timer.C:
	}
	u.body = io.MultiReader(&firstByte{first, b[:]}, body)
	return false
}

// A firstByte reads a byte that is being read already.
type firstByte struct {
	result <-chan error // what reading has led to, if there is anything yet
	b      []byte
}

// Read implements io.Reader.
func (r *firstByte) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	if err := <-r.result; err != nil {
		return 0, err
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}
