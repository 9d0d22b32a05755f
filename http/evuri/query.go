package evuri

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// QueryFlags changes how queries are read. Flags are combined with |.
type QueryFlags uint8

const (
	// QueryNonconformant takes a name without a "=" for one with an empty
	// value, and leaves out fields that are empty or have an empty name, where
	// otherwise these are errors. Browsers and most servers do so
	// (EVHTTP_URI_QUERY_NONCONFORMANT).
	QueryNonconformant QueryFlags = 1 << iota
	// QueryLastVal keeps only the last one of the fields that have the same
	// name, in its place; otherwise all are kept
	// (EVHTTP_URI_QUERY_LAST_VAL).
	QueryLastVal
)

// A QueryField is a name and a value, both decoded. They can have any bytes in
// them.
type QueryField struct {
	Name, Value string
}

// A Query is what a query or a form says, in the order in which it was written.
// Names are case-sensitive and may occur more than once (struct evkeyvalq).
type Query []QueryField

// Find returns the value of the first field of this name, and whether there is
// one (evhttp_find_header).
func (q Query) Find(name string) (value string, ok bool) {
	for i := range q {
		if q[i].Name == name {
			return q[i].Value, true
		}
	}
	return "", false
}

// Get returns the value of the first field of this name, or nothing.
func (q Query) Get(name string) string {
	value, _ := q.Find(name)
	return value
}

// Values yields the values of all fields of this name.
func (q Query) Values(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range q {
			if q[i].Name == name && !yield(q[i].Value) {
				return
			}
		}
	}
}

// Add appends a field (evhttp_add_header).
func (q *Query) Add(name, value string) { *q = append(*q, QueryField{name, value}) }

// Remove removes all fields of this name and returns how many there were
// (evhttp_remove_header).
func (q *Query) Remove(name string) int {
	before := len(*q)
	*q = slices.DeleteFunc(*q, func(f QueryField) bool { return f.Name == name })
	return before - len(*q)
}

// Encode writes the fields as a query, or as a form of the type
// application/x-www-form-urlencoded.
func (q Query) Encode() string { return string(q.AppendEncode(nil)) }

// AppendEncode is Encode and appends to dst.
func (q Query) AppendEncode(dst []byte) []byte {
	for i := range q {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(AppendEncode(dst, q[i].Name, true), '=')
		dst = AppendEncode(dst, q[i].Value, true)
	}
	return dst
}

// ParseURIQuery reads the query of a URI, in which there may be none. The errors
// are ErrURI, and those of ParseQuery.
//
// Deprecated: use [Parse], which also gives the other parts, and ParseQuery
// (evhttp_parse_query).
func ParseURIQuery(uri string) (Query, error) {
	u, err := Parse(uri)
	if err != nil {
		return nil, err
	}
	return ParseQuery(u.Query())
}

// ParseQuery reads a query such as "q=test&s=some+thing". The error is
// ErrQuery if a field has no "=" or an empty name, ErrTooMany if there are more
// than DefaultMaxQueryFields. It may be called from any goroutine
// (evhttp_parse_query_str).
func ParseQuery(query string) (Query, error) { return ParseQueryFlags(query, 0) }

// ParseQueryFlags is ParseQuery with flags (evhttp_parse_query_str_flags).
func ParseQueryFlags(query string, flags QueryFlags) (Query, error) {
	p := QueryParser{Flags: flags}
	return p.Append(nil, query)
}

// A QueryParser reads queries with a limit of one's own. The zero value does
// what ParseQuery does.
type QueryParser struct {
	Flags     QueryFlags
	MaxFields int // DefaultMaxQueryFields if 0
}

// Append appends the fields of a query to dst, which may be memory of an earlier
// query that is to be used again. The fields in dst count for the limit. An
// error leaves dst as it is.
func (p *QueryParser) Append(dst Query, query string) (Query, error) {
	q, err := p.append(dst, query)
	if err != nil {
		return dst, fmt.Errorf("evuri: parse query: %w", err)
	}
	return q, nil
}

func (p *QueryParser) append(dst Query, query string) (Query, error) {
	most := p.MaxFields
	if most == 0 {
		most = DefaultMaxQueryFields
	}
	q := dst
	for query != "" {
		var text string
		text, query, _ = strings.Cut(query, "&")
		name, value, whole := strings.Cut(text, "=")
		if name == "" || !whole {
			if p.Flags&QueryNonconformant == 0 {
				return nil, fmt.Errorf("%w: %.100q", ErrQuery, text)
			}
			if name == "" {
				continue
			}
		}
		if len(q) >= most {
			return nil, fmt.Errorf("%w: limit is %d", ErrTooMany, most)
		}
		q = append(q, QueryField{DecodePlus(name), DecodePlus(value)})
	}
	if p.Flags&QueryLastVal != 0 {
		q = keepLast(q, len(dst))
	}
	return q, nil
}

// keepLast removes the fields from the first one on that have a name of a later
// one.
func keepLast(q Query, first int) Query {
	last := make(map[string]int, len(q)-first)
	for i := first; i < len(q); i++ {
		last[q[i].Name] = i
	}
	kept := q[:first]
	for i := first; i < len(q); i++ {
		if last[q[i].Name] == i {
			kept = append(kept, q[i])
		}
	}
	clear(q[len(kept):])
	return kept
}
