package cond

import (
	"strings"
	"time"
)

// Validators tell one state of a resource from another.
type Validators struct {
	ETag     string    // with its quotes, or nothing
	Modified time.Time // when it last changed, or zero
	Missing  bool      // there is nothing yet, as before a PUT
}

// Preconditions are the fields that make a request conditional: nothing where a
// request has no such field, and joined by ", " where it has several.
type Preconditions struct {
	IfMatch           string
	IfNoneMatch       string
	IfModifiedSince   string
	IfUnmodifiedSince string
	IfRange           string
}

// Check evaluates all fields but If-Range, in the order that RFC 9110, section
// 13.2.2, gives, and returns the status to answer with: 304 if the client has
// what it asks for, 412 if the method must not be performed, and 0 if it must.
// Dates that are none are left alone. It is for requests that would succeed; any
// other answer takes precedence. It may be called from any goroutine.
func (p *Preconditions) Check(method string, v Validators, now time.Time) int {
	reads := method == "GET" || method == "HEAD"
	switch {
	case method == "CONNECT" || method == "OPTIONS" || method == "TRACE":
		return 0
	case p.IfMatch != "":
		if !v.isIn(p.IfMatch, true) {
			return 412
		}
	case p.IfUnmodifiedSince != "":
		if since, ok := v.changedSince(p.IfUnmodifiedSince, now); ok && since {
			return 412
		}
	}
	switch {
	case p.IfNoneMatch != "":
		switch {
		case !v.isIn(p.IfNoneMatch, false):
		case reads:
			return 304
		default:
			return 412
		}
	case p.IfModifiedSince != "" && reads:
		if since, ok := v.changedSince(p.IfModifiedSince, now); ok && !since {
			return 304
		}
	}
	return 0
}

// RangeApplies reports whether a Range field counts, or the whole must be sent:
// it does for GET only, and with If-Range only if the client has a part of what
// there is now. It may be called from any goroutine.
func (p *Preconditions) RangeApplies(method string, v Validators, now time.Time) bool {
	switch value := strings.Trim(p.IfRange, " \t"); {
	case method != "GET":
		return false
	case value == "":
		return true
	case strings.HasSuffix(value, `"`):
		return sameETag(value, v.ETag, true)
	default:
		// A date must be the very one, since an earlier one might be of what
		// was there before, and came back.
		t, err := ParseDate(value, now)
		return err == nil && !v.Modified.IsZero() && t.Unix() == v.Modified.Unix()
	}
}

// isIn reports whether a list of entity tags, or "*", has the one that is
// current.
func (v *Validators) isIn(list string, strong bool) bool {
	if strings.Trim(list, " \t") == "*" {
		return !v.Missing
	}
	return !v.Missing && hasETag(list, v.ETag, strong)
}

// changedSince reports whether the resource was changed after a date, in whole
// seconds. ok is false if the date is none or nothing is known.
func (v *Validators) changedSince(date string, now time.Time) (changed, ok bool) {
	t, err := ParseDate(strings.Trim(date, " \t"), now)
	if err != nil || v.Modified.IsZero() || v.Missing {
		return false, false
	}
	return v.Modified.Unix() > t.Unix(), true
}
