package cond_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-libevent/libevent/http/internal/cond"
)

// A file is asked for again, and then only a part of it.
func ExamplePreconditions_Check() {
	now := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	modified := now.Add(-time.Hour)
	current := cond.Validators{ETag: cond.FileETag(1000, modified, now), Modified: modified}

	p := cond.Preconditions{IfNoneMatch: current.ETag}
	fmt.Println(p.Check("GET", current, now))

	p = cond.Preconditions{IfRange: current.ETag}
	fmt.Println(p.Check("GET", current, now), p.RangeApplies("GET", current, now))
	// Output:
	// 304
	// 0 true
}

// What a server answers to a Range field.
func ExampleParseRange() {
	const size = 1000
	for _, field := range []string{"bytes=0-99", "bytes=-10", "bytes=5000-", "lines=1-2"} {
		ranges, err := cond.ParseRange(field, size, 0)
		switch {
		case errors.Is(err, cond.ErrUnsatisfiable):
			fmt.Printf("416 %s\n", cond.AppendUnsatisfiedRange(nil, size))
		case err != nil:
			fmt.Println("200")
		default:
			fmt.Printf("206 %s\n", ranges[0].AppendContentRange(nil, size))
		}
	}
	// Output:
	// 206 bytes 0-99/1000
	// 206 bytes 990-999/1000
	// 416 bytes */1000
	// 200
}
