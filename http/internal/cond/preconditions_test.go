package cond

import (
	"testing"
	"time"
)

var (
	changed = time.Date(2026, 11, 1, 12, 0, 0, 500, time.UTC)
	same    = "Sun, 01 Nov 2026 12:00:00 GMT"
	before  = "Sun, 01 Nov 2026 11:59:59 GMT"
	after   = "Sun, 01 Nov 2026 12:00:01 GMT"
)

func TestPreconditions(t *testing.T) {
	strong := Validators{ETag: `"a"`, Modified: changed}
	weak := Validators{ETag: `W/"a"`, Modified: changed}
	missing := Validators{Missing: true}
	none := Validators{}
	for _, test := range []struct {
		name   string
		method string
		v      Validators
		p      Preconditions
		want   int
	}{
		{"none", "GET", strong, Preconditions{}, 0},

		{"If-Match has it", "PUT", strong, Preconditions{IfMatch: `"b", "a"`}, 0},
		{"If-Match has it not", "PUT", strong, Preconditions{IfMatch: `"b", "aa"`}, 412},
		{"If-Match of a GET", "GET", strong, Preconditions{IfMatch: `"b"`}, 412},
		{"If-Match of anything", "PUT", strong, Preconditions{IfMatch: " * "}, 0},
		{"If-Match of anything, without a tag", "PUT", none, Preconditions{IfMatch: "*"}, 0},
		{"If-Match of anything where nothing is", "PUT", missing, Preconditions{IfMatch: "*"}, 412},
		{"If-Match compares strongly", "PUT", weak, Preconditions{IfMatch: `W/"a"`}, 412},
		{"If-Match of a weak tag", "PUT", strong, Preconditions{IfMatch: `W/"a"`}, 412},
		{"If-Match without a tag", "PUT", none, Preconditions{IfMatch: `"a"`}, 412},
		{"If-Match that is malformed", "PUT", strong, Preconditions{IfMatch: `a`}, 412},
		{"If-Match that is malformed at the end", "PUT", strong, Preconditions{IfMatch: `"a", b`}, 0},

		{"If-Unmodified-Since the same time", "PUT", strong, Preconditions{IfUnmodifiedSince: same}, 0},
		{"If-Unmodified-Since later", "PUT", strong, Preconditions{IfUnmodifiedSince: after}, 0},
		{"If-Unmodified-Since earlier", "PUT", strong, Preconditions{IfUnmodifiedSince: before}, 412},
		{"If-Unmodified-Since no date", "PUT", strong, Preconditions{IfUnmodifiedSince: "x"}, 0},
		{"If-Unmodified-Since, time unknown", "PUT", none, Preconditions{IfUnmodifiedSince: before}, 0},
		{"If-Match goes before If-Unmodified-Since", "PUT", strong, Preconditions{IfMatch: `"a"`, IfUnmodifiedSince: before}, 0},

		{"If-None-Match has it, GET", "GET", strong, Preconditions{IfNoneMatch: `"b","a"`}, 304},
		{"If-None-Match has it, HEAD", "HEAD", strong, Preconditions{IfNoneMatch: `"a"`}, 304},
		{"If-None-Match has it, PUT", "PUT", strong, Preconditions{IfNoneMatch: `"a"`}, 412},
		{"If-None-Match has it not", "GET", strong, Preconditions{IfNoneMatch: `"b"`}, 0},
		{"If-None-Match compares weakly", "GET", weak, Preconditions{IfNoneMatch: `"a"`}, 304},
		{"If-None-Match of a weak tag", "GET", strong, Preconditions{IfNoneMatch: `W/"a"`}, 304},
		{"If-None-Match of anything", "GET", strong, Preconditions{IfNoneMatch: "*"}, 304},
		{"If-None-Match of anything, to create", "PUT", strong, Preconditions{IfNoneMatch: "*"}, 412},
		{"If-None-Match of anything where nothing is", "PUT", missing, Preconditions{IfNoneMatch: "*"}, 0},
		{"If-None-Match with a comma in a tag", "GET", Validators{ETag: `"x,y"`}, Preconditions{IfNoneMatch: `"a" , ,"x,y"`}, 304},
		{"If-None-Match without commas", "GET", strong, Preconditions{IfNoneMatch: `"b" "a"`}, 0},
		{"If-None-Match that does not end", "GET", strong, Preconditions{IfNoneMatch: `"a`}, 0},
		{"If-None-Match with a space in a tag", "GET", Validators{ETag: `"a b"`}, Preconditions{IfNoneMatch: `"a b"`}, 0},
		{"If-None-Match without a tag", "GET", none, Preconditions{IfNoneMatch: `""`}, 0},

		{"If-Modified-Since the same time", "GET", strong, Preconditions{IfModifiedSince: same}, 304},
		{"If-Modified-Since later", "HEAD", strong, Preconditions{IfModifiedSince: after}, 304},
		{"If-Modified-Since earlier", "GET", strong, Preconditions{IfModifiedSince: before}, 0},
		{"If-Modified-Since no date", "GET", strong, Preconditions{IfModifiedSince: "x"}, 0},
		{"If-Modified-Since of a POST", "POST", strong, Preconditions{IfModifiedSince: same}, 0},
		{"If-Modified-Since, time unknown", "GET", none, Preconditions{IfModifiedSince: same}, 0},
		{"If-None-Match goes before If-Modified-Since", "GET", strong, Preconditions{IfNoneMatch: `"b"`, IfModifiedSince: same}, 0},

		{"both kinds hold", "GET", strong, Preconditions{IfMatch: `"a"`, IfNoneMatch: `"a"`}, 304},
		{"the first kind fails", "GET", strong, Preconditions{IfMatch: `"b"`, IfNoneMatch: `"a"`}, 412},
		{"OPTIONS", "OPTIONS", strong, Preconditions{IfMatch: `"b"`}, 0},
	} {
		if got := test.p.Check(test.method, test.v, testNow); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestIfRange(t *testing.T) {
	for _, test := range []struct {
		name, method, value string
		v                   Validators
		want                bool
	}{
		{"none", "GET", "", Validators{}, true},
		{"HEAD", "HEAD", "", Validators{}, false},
		{"the tag", "GET", `"a"`, Validators{ETag: `"a"`}, true},
		{"another tag", "GET", `"b"`, Validators{ETag: `"a"`}, false},
		{"weak tags", "GET", `W/"a"`, Validators{ETag: `W/"a"`}, false},
		{"a list of tags", "GET", `"b", "a"`, Validators{ETag: `"a"`}, false},
		{"no tag", "GET", `"a"`, Validators{}, false},
		{"the date", "GET", same, Validators{Modified: changed}, true},
		{"an earlier date", "GET", before, Validators{Modified: changed}, false},
		{"a later date", "GET", after, Validators{Modified: changed}, false},
		{"a date, time unknown", "GET", same, Validators{}, false},
		{"neither", "GET", "x", Validators{ETag: "x"}, false},
	} {
		p := Preconditions{IfRange: test.value}
		if got := p.RangeApplies(test.method, test.v, testNow); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestFileETag(t *testing.T) {
	settled := changed.Add(etagSettles)
	tag := FileETag(100, changed, settled)
	if tag[0] != '"' || !hasETag(`W/"x", `+tag, tag, true) {
		t.Errorf("%s is not a strong tag", tag)
	}
	if got := FileETag(100, changed, settled.Add(-1)); got != "W/"+tag {
		t.Errorf("just changed: %s, want W/%s", got, tag)
	}
	if got := FileETag(100, changed.Add(time.Hour), changed); got[:2] != "W/" {
		t.Errorf("changed in the future: %s", got)
	}
	if FileETag(101, changed, settled) == tag || FileETag(100, changed.Add(1), settled.Add(1)) == tag {
		t.Error("the same tag for another file")
	}
}
