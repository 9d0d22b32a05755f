package evutil_test

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestStrtoll(t *testing.T) {
	for _, test := range []struct {
		s     string
		base  int
		value int64
		rest  string
	}{
		{"5000000000", 10, 5000000000, ""},
		{"-5000000000", 10, -5000000000, ""},
		{" 99999stuff", 10, 99999, "stuff"},
		{" \t\n\v\f\r+12 ", 10, 12, " "},
		{"9223372036854775807", 10, math.MaxInt64, ""},
		{"-9223372036854775808", 10, math.MinInt64, ""},
		{"-8000000000000000", 16, -0x8000000000000000, ""},
		{"0", 0, 0, ""},
		{"-0", 10, 0, ""},
		{"0x1F", 0, 31, ""},
		{"-0X1f", 0, -31, ""},
		{"0x1F", 16, 31, ""},
		{"1F", 16, 31, ""},
		{"0x1F", 10, 0, "x1F"},
		{"0x", 0, 0, "x"},
		{"0x", 16, 0, "x"},
		{"0xg", 0, 0, "xg"},
		{"0x", 36, 33, ""},
		{"0779", 0, 63, "9"},
		{"0779", 8, 63, "9"},
		{"0779", 10, 779, ""},
		{"09", 0, 0, "9"},
		{"0b11", 2, 0, "b11"},
		{"0b11", 0, 0, "b11"},
		{"+12z", 36, 1403, ""},
		{"12z", 2, 1, "2z"},
		{"Zz", 36, 35*36 + 35, ""},
		{"1_000", 10, 1, "_000"},
	} {
		value, rest, err := evutil.Strtoll(test.s, test.base)
		if value != test.value || rest != test.rest || err != nil {
			t.Errorf("%q base %d: %d, %q, %v, want %d, %q", test.s, test.base, value, rest, err, test.value, test.rest)
		}
	}
}

func TestStrtollSaturates(t *testing.T) {
	for _, test := range []struct {
		s     string
		base  int
		value int64
		rest  string
	}{
		{"9223372036854775808x", 10, math.MaxInt64, "x"},
		{"-9223372036854775809y", 10, math.MinInt64, "y"},
		{"18446744073709551616", 10, math.MaxInt64, ""},
		{"0x8000000000000000", 0, math.MaxInt64, ""},
		{"-0x8000000000000001", 0, math.MinInt64, ""},
		{strings.Repeat("9", 100) + " ", 10, math.MaxInt64, " "},
		{strings.Repeat("1", 65) + "2", 2, math.MaxInt64, "2"},
	} {
		value, rest, err := evutil.Strtoll(test.s, test.base)
		if value != test.value || rest != test.rest || !errors.Is(err, strconv.ErrRange) {
			t.Errorf("%q base %d: %d, %q, %v, want %d, %q, %v",
				test.s, test.base, value, rest, err, test.value, test.rest, strconv.ErrRange)
		}
	}
}

func TestStrtollWithoutDigits(t *testing.T) {
	for _, s := range []string{"", " ", "foo", "-", "+", "- 5", "+-5", "\x005", "\u00a05"} {
		value, rest, err := evutil.Strtoll(s, 10)
		if value != 0 || rest != s || !errors.Is(err, strconv.ErrSyntax) {
			t.Errorf("%q: %d, %q, %v", s, value, rest, err)
		}
	}
}

func TestStrtollRefusesBases(t *testing.T) {
	for _, base := range []int{-1, 1, 37} {
		value, rest, err := evutil.Strtoll("10", base)
		numErr, ok := errors.AsType[*strconv.NumError](err)
		if value != 0 || rest != "10" || !ok || numErr.Func != "Strtoll" {
			t.Errorf("base %d: %d, %q, %v", base, value, rest, err)
		}
	}
}

// FuzzStrtoll compares Strtoll with arithmetic on the text that it consumed.
func FuzzStrtoll(f *testing.F) {
	for _, seed := range []string{"5000000000", " -99stuff", "0x1F", "0xg", "0779", "9223372036854775808x", "zz", "- 5"} {
		for _, base := range []int{0, 2, 8, 10, 16, 36} {
			f.Add(seed, base)
		}
	}
	f.Fuzz(func(t *testing.T, s string, base int) {
		value, rest, err := evutil.Strtoll(s, base)
		consumed, ok := strings.CutSuffix(s, rest)
		if !ok {
			t.Fatalf("%q is not the end of %q", rest, s)
		}
		if consumed == "" {
			if value != 0 || err == nil {
				t.Fatalf("nothing consumed, but %d, %v", value, err)
			}
			return
		}
		want := exactValue(t, consumed, base)
		nearest := want
		if want.Cmp(big.NewInt(math.MaxInt64)) > 0 {
			nearest = big.NewInt(math.MaxInt64)
		} else if want.Cmp(big.NewInt(math.MinInt64)) < 0 {
			nearest = big.NewInt(math.MinInt64)
		}
		if nearest.Cmp(big.NewInt(value)) != 0 {
			t.Fatalf("%q base %d: %d, want %d", s, base, value, nearest)
		}
		if inRange := nearest.Cmp(want) == 0; inRange != (err == nil) {
			t.Fatalf("%q base %d: %d, %v, exactly %d", s, base, value, err, want)
		}
	})
}

func exactValue(t *testing.T, text string, base int) *big.Int {
	text = strings.ToLower(strings.TrimLeft(text, "\t\n\v\f\r "))
	negative := strings.HasPrefix(text, "-")
	text = strings.TrimLeft(text, "+-")
	switch {
	case (base == 0 || base == 16) && strings.HasPrefix(text, "0x"):
		text, base = text[2:], 16
	case base == 0 && strings.HasPrefix(text, "0"):
		base = 8
	case base == 0:
		base = 10
	}
	n, ok := new(big.Int).SetString(text, base)
	if !ok || strings.ContainsAny(text, "+-_") {
		t.Fatalf("%q consumed as a number in base %d", text, base)
	}
	if negative {
		n.Neg(n)
	}
	return n
}
