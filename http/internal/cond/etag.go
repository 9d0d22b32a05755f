package cond

import (
	"strconv"
	"strings"
	"time"
)

// etagSettles is how long after a change of a file another one may leave it with
// the same time, since file systems keep times no finer than that.
const etagSettles = 2 * time.Second

// FileETag returns an entity tag for a file, made of its size and the time of
// its last change. It is a weak one, beginning in W/, if that time is so close to
// now that the file may change again and keep it. It may be called from any
// goroutine.
func FileETag(size int64, modified, now time.Time) string {
	b := make([]byte, 0, 40)
	if now.Sub(modified) < etagSettles {
		b = append(b, "W/"...)
	}
	b = strconv.AppendUint(append(b, '"'), uint64(modified.UnixNano()), 16)
	b = strconv.AppendInt(append(b, '-'), size, 16)
	return string(append(b, '"'))
}

// cutETag cuts the entity tag off the front of a list, and the comma and the
// space after it. ok is false if there is none.
func cutETag(list string) (tag, rest string, ok bool) {
	list = strings.TrimLeft(list, " \t,")
	begin := 0
	if strings.HasPrefix(list, "W/") {
		begin = 2
	}
	if begin >= len(list) || list[begin] != '"' {
		return "", "", false
	}
	for i := begin + 1; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			rest = strings.TrimLeft(list[i+1:], " \t")
			return list[:i+1], rest, rest == "" || rest[0] == ','
		case c <= ' ' || c == 0x7f:
			return "", "", false
		}
	}
	return "", "", false
}

// hasETag reports whether a list of tags has one. In a strong comparison weak
// tags are equal to none; in a weak one only what is in the quotes counts. What
// comes after something that is no tag is left alone.
func hasETag(list, tag string, strong bool) bool {
	for {
		t, rest, ok := cutETag(list)
		switch {
		case !ok:
			return false
		case sameETag(t, tag, strong):
			return true
		}
		list = rest
	}
}

func sameETag(a, b string, strong bool) bool {
	if strong {
		return a == b && strings.HasPrefix(a, `"`)
	}
	return b != "" && strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}
