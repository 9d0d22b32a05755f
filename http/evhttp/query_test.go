package evhttp

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var queryTests = []struct {
	in      string
	strict  Query // nil where ErrQuery is wanted
	lenient Query
}{
	{"", Query{}, Query{}},
	{"q=test", Query{{"q", "test"}}, Query{{"q", "test"}}},
	{"q=test&s=some+thing", Query{{"q", "test"}, {"s", "some thing"}}, Query{{"q", "test"}, {"s", "some thing"}}},
	{"a=%41%2b+%26&a=2", Query{{"a", "A+ &"}, {"a", "2"}}, Query{{"a", "A+ &"}, {"a", "2"}}},
	{"a=b=c", Query{{"a", "b=c"}}, Query{{"a", "b=c"}}},
	{"a=", Query{{"a", ""}}, Query{{"a", ""}}},
	{"a=1&", Query{{"a", "1"}}, Query{{"a", "1"}}},
	{"a%5B%5D=1", Query{{"a[]", "1"}}, Query{{"a[]", "1"}}},
	{"a=%&b=%4&c=%zz", Query{{"a", "%"}, {"b", "%4"}, {"c", "%zz"}}, Query{{"a", "%"}, {"b", "%4"}, {"c", "%zz"}}},
	{"a=x%00y", Query{{"a", "x\x00y"}}, Query{{"a", "x\x00y"}}},
	{"a=1;b=2", Query{{"a", "1;b=2"}}, Query{{"a", "1;b=2"}}},
	{"a=?", Query{{"a", "?"}}, Query{{"a", "?"}}},
	{"a", nil, Query{{"a", ""}}},
	{"a&b=1", nil, Query{{"a", ""}, {"b", "1"}}},
	{"=x", nil, Query{}},
	{"=", nil, Query{}},
	{"&", nil, Query{}},
	{"a=1&&b=2", nil, Query{{"a", "1"}, {"b", "2"}}},
	{"&a=1", nil, Query{{"a", "1"}}},
	{"a=1&=2&b=3", nil, Query{{"a", "1"}, {"b", "3"}}},
}

func TestParseQueryString(t *testing.T) {
	for _, test := range queryTests {
		q, err := ParseQueryString(test.in)
		if test.strict == nil {
			if !errors.Is(err, ErrQuery) || q != nil {
				t.Errorf("%q: %v, %v, want ErrQuery", test.in, q, err)
			}
		} else if err != nil || !slices.Equal(q, test.strict) {
			t.Errorf("%q: %v, %v, want %v", test.in, q, err, test.strict)
		}
		q, err = ParseQueryStringFlags(test.in, QueryNonconformant)
		if err != nil || !slices.Equal(q, test.lenient) {
			t.Errorf("%q, nonconformant: %v, %v, want %v", test.in, q, err, test.lenient)
		}
	}
}

func TestQueryLastVal(t *testing.T) {
	q, err := ParseQueryStringFlags("a=1&b=2&a=3&A=4&c=5&b=6", QueryLastVal)
	want := Query{{"a", "3"}, {"A", "4"}, {"c", "5"}, {"b", "6"}}
	if err != nil || !slices.Equal(q, want) {
		t.Errorf("%v, %v, want %v", q, err, want)
	}
	p := QueryParser{Flags: QueryLastVal}
	if q, err = p.Append(Query{{"a", "old"}}, "a=1&a=2"); err != nil || !slices.Equal(q, Query{{"a", "old"}, {"a", "2"}}) {
		t.Errorf("appended: %v, %v", q, err)
	}
}

func TestParseQueryOfURI(t *testing.T) {
	q, err := ParseQuery("http://example.com/?q=test&s=some+thing#f")
	if want := (Query{{"q", "test"}, {"s", "some thing"}}); err != nil || !slices.Equal(q, want) {
		t.Errorf("%v, %v, want %v", q, err, want)
	}
	if q, err := ParseQuery("/no/query"); err != nil || len(q) != 0 {
		t.Errorf("no query: %v, %v", q, err)
	}
	if _, err := ParseQuery("/a b?c=d"); !errors.Is(err, ErrURI) {
		t.Errorf("no URI: %v", err)
	}
	if _, err := ParseQuery("/?c"); !errors.Is(err, ErrQuery) {
		t.Errorf("no query: %v", err)
	}
}

func TestQueryLimit(t *testing.T) {
	most := strings.Repeat("a=1&", DefaultMaxQueryFields)
	if q, err := ParseQueryString(most); err != nil || len(q) != DefaultMaxQueryFields {
		t.Errorf("at the limit: %d fields, %v", len(q), err)
	}
	if q, err := ParseQueryString(most + "a=1"); !errors.Is(err, ErrTooMany) || q != nil {
		t.Errorf("beyond the limit: %d fields, %v", len(q), err)
	}
	p := QueryParser{MaxFields: 2, Flags: QueryNonconformant}
	if _, err := p.Append(nil, "&&a&&b&&=1&&"); err != nil {
		t.Errorf("fields that are left out count: %v", err)
	}
	before := Query{{"x", "y"}}
	if q, err := p.Append(before, "a&b"); !errors.Is(err, ErrTooMany) || !slices.Equal(q, before) {
		t.Errorf("after another: %v, %v", q, err)
	}
}

func TestQueryList(t *testing.T) {
	var q Query
	q.Add("a", "1")
	q.Add("b", "2&3")
	q.Add("a", "é =")
	if v, ok := q.Find("a"); v != "1" || !ok {
		t.Errorf("Find: %q, %v", v, ok)
	}
	if v, ok := q.Find("A"); v != "" || ok || q.Get("b") != "2&3" {
		t.Errorf("Find of none: %q, %v", v, ok)
	}
	if got := slices.Collect(q.Values("a")); !slices.Equal(got, []string{"1", "é ="}) {
		t.Errorf("Values: %q", got)
	}
	if got, want := q.Encode(), "a=1&b=2%263&a=%C3%A9+%3D"; got != want {
		t.Errorf("Encode: %q, want %q", got, want)
	}
	if n := q.Remove("a"); n != 2 || !slices.Equal(q, Query{{"b", "2&3"}}) || q.Remove("a") != 0 {
		t.Errorf("Remove: %d, %v", n, q)
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, test := range queryTests {
		f.Add(test.in, uint8(0))
		f.Add(test.in, uint8(QueryNonconformant|QueryLastVal))
	}
	f.Fuzz(func(t *testing.T, s string, flags uint8) {
		q, err := ParseQueryStringFlags(s, QueryFlags(flags))
		if err != nil {
			if q != nil || !errors.Is(err, ErrQuery) && !errors.Is(err, ErrTooMany) {
				t.Fatalf("%q: %v, %v", s, q, err)
			}
			return
		}
		again, err := ParseQueryStringFlags(q.Encode(), QueryFlags(flags))
		if err != nil || !slices.Equal(again, q) {
			t.Fatalf("%q: %v became %v, %v", s, q, again, err)
		}
		if QueryFlags(flags)&QueryLastVal == 0 {
			return
		}
		for i, field := range q {
			if slices.ContainsFunc(q[:i], func(f QueryField) bool { return f.Name == field.Name }) {
				t.Fatalf("%q: %v has %q twice", s, q, field.Name)
			}
		}
	})
}
