package evutil_test

import (
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestFormatRFC1123(t *testing.T) {
	for _, test := range []struct {
		unix int64
		want string
	}{
		{0, "Thu, 01 Jan 1970 00:00:00 GMT"},
		{946684799, "Fri, 31 Dec 1999 23:59:59 GMT"},
		{946684800, "Sat, 01 Jan 2000 00:00:00 GMT"},
		{1456704000, "Mon, 29 Feb 2016 00:00:00 GMT"},
		{1481866376, "Fri, 16 Dec 2016 05:32:56 GMT"},
		{4294967296, "Sun, 07 Feb 2106 06:28:16 GMT"},
		{253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
		{-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
	} {
		when := time.Unix(test.unix, 999_999_999).In(time.FixedZone("CET", 3600))
		if got := evutil.FormatRFC1123(when); got != test.want {
			t.Errorf("%d: %q, want %q", test.unix, got, test.want)
		}
	}
}
