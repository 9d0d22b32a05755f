package evutil

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Strtoll parses an integer at the beginning of s the way C does and returns
// what follows it.
//
// Spaces and a sign may come first. The base is from 2 to 36, the letters of
// either case being the digits after 9; in base 16 the digits may start with
// 0x. Base 0 stands for 16 if they start with 0x, 8 if they start with 0, and
// else 10. It may be called from any goroutine.
//
// The error is a [*strconv.NumError]. It wraps [strconv.ErrRange] if the
// number does not fit, value being the nearest that does and rest what
// follows the digits; and [strconv.ErrSyntax], which C leaves to the caller to
// notice, if there are no digits, value being 0 and rest all of s
// (evutil_strtoll).
func Strtoll(s string, base int) (value int64, rest string, err error) {
	if base != 0 && (base < 2 || base > 36) {
		return 0, s, numError(s, fmt.Errorf("invalid base %d", base))
	}
	digits, negative := cutSign(strings.TrimLeft(s, "\t\n\v\f\r "))
	digits, base = cutBase(digits, base)

	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	magnitude, n, fits := scanDigits(digits, uint64(base), limit)
	if n == 0 {
		return 0, s, numError(s, strconv.ErrSyntax)
	}
	if !fits {
		magnitude = limit
		err = numError(s, strconv.ErrRange)
	}
	value = int64(magnitude)
	if negative {
		value = -value // right for 1<<63 too, which converts to its negative
	}
	return value, digits[n:], err
}

// cutSign removes a sign from the start of s.
func cutSign(s string) (rest string, negative bool) {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return rest, true
	}
	return strings.TrimPrefix(s, "+"), false
}

// cutBase removes a prefix that has served its purpose and settles the base.
// A prefix 0x that no digit follows is the digit 0 and the letter x.
func cutBase(s string, base int) (digits string, settled int) {
	if base == 0 || base == 16 {
		if len(s) > 2 && s[0] == '0' && asciiLower(s[1]) == 'x' && digitValue(s[2]) < 16 {
			return s[2:], 16
		}
	}
	switch {
	case base != 0:
		return s, base
	case strings.HasPrefix(s, "0"):
		return s, 8
	}
	return s, 10
}

// scanDigits reads the digits at the start of s. It returns their value, how
// many there are, and whether the value is at most limit.
func scanDigits(s string, base, limit uint64) (value uint64, n int, fits bool) {
	fits = true
	for n < len(s) {
		d := digitValue(s[n])
		if d >= base {
			break
		}
		if fits && value <= (limit-d)/base {
			value = value*base + d
		} else {
			fits = false
		}
		n++
	}
	return value, n, fits
}

// digitValue returns the value of c in the largest base, or else 36.
func digitValue(c byte) uint64 {
	switch c = asciiLower(c); {
	case '0' <= c && c <= '9':
		return uint64(c - '0')
	case 'a' <= c && c <= 'z':
		return uint64(c-'a') + 10
	}
	return 36
}

func numError(s string, err error) error {
	return &strconv.NumError{Func: "Strtoll", Num: strings.Clone(s), Err: err}
}
