package evuri_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/evuri"
)

var queryTests = []struct {
	in      string
	strict  evuri.Query // nil where evuri.ErrQuery is wanted
	lenient evuri.Query
}{
	{"", evuri.Query{}, evuri.Query{}},
	{"q=test", evuri.Query{{"q", "test"}}, evuri.Query{{"q", "test"}}},
	{"q=test&s=some+thing", evuri.Query{{"q", "test"}, {"s", "some thing"}}, evuri.Query{{"q", "test"}, {"s", "some thing"}}},
	{"a=%41%2b+%26&a=2", evuri.Query{{"a", "A+ &"}, {"a", "2"}}, evuri.Query{{"a", "A+ &"}, {"a", "2"}}},
	{"a=b=c", evuri.Query{{"a", "b=c"}}, evuri.Query{{"a", "b=c"}}},
	{"a=", evuri.Query{{"a", ""}}, evuri.Query{{"a", ""}}},
	{"a=1&", evuri.Query{{"a", "1"}}, evuri.Query{{"a", "1"}}},
	{"a%5B%5D=1", evuri.Query{{"a[]", "1"}}, evuri.Query{{"a[]", "1"}}},
	{"a=%&b=%4&c=%zz", evuri.Query{{"a", "%"}, {"b", "%4"}, {"c", "%zz"}}, evuri.Query{{"a", "%"}, {"b", "%4"}, {"c", "%zz"}}},
	{"a=x%00y", evuri.Query{{"a", "x\x00y"}}, evuri.Query{{"a", "x\x00y"}}},
	{"a=1;b=2", evuri.Query{{"a", "1;b=2"}}, evuri.Query{{"a", "1;b=2"}}},
	{"a=?", evuri.Query{{"a", "?"}}, evuri.Query{{"a", "?"}}},
	{"a", nil, evuri.Query{{"a", ""}}},
	{"a&b=1", nil, evuri.Query{{"a", ""}, {"b", "1"}}},
	{"=x", nil, evuri.Query{}},
	{"=", nil, evuri.Query{}},
	{"&", nil, evuri.Query{}},
	{"a=1&&b=2", nil, evuri.Query{{"a", "1"}, {"b", "2"}}},
	{"&a=1", nil, evuri.Query{{"a", "1"}}},
	{"a=1&=2&b=3", nil, evuri.Query{{"a", "1"}, {"b", "3"}}},
}

func TestParseQueryString(t *testing.T) {
	for _, test := range queryTests {
		q, err := evuri.ParseQuery(test.in)
		if test.strict == nil {
			if !errors.Is(err, evuri.ErrQuery) || q != nil {
				t.Errorf("%q: %v, %v, want ErrQuery", test.in, q, err)
			}
		} else if err != nil || !slices.Equal(q, test.strict) {
			t.Errorf("%q: %v, %v, want %v", test.in, q, err, test.strict)
		}
		q, err = evuri.ParseQueryFlags(test.in, evuri.QueryNonconformant)
		if err != nil || !slices.Equal(q, test.lenient) {
			t.Errorf("%q, nonconformant: %v, %v, want %v", test.in, q, err, test.lenient)
		}
	}
}

func TestQueryLastVal(t *testing.T) {
	q, err := evuri.ParseQueryFlags("a=1&b=2&a=3&A=4&c=5&b=6", evuri.QueryLastVal)
	want := evuri.Query{{"a", "3"}, {"A", "4"}, {"c", "5"}, {"b", "6"}}
	if err != nil || !slices.Equal(q, want) {
		t.Errorf("%v, %v, want %v", q, err, want)
	}
	p := evuri.QueryParser{Flags: evuri.QueryLastVal}
	if q, err = p.Append(evuri.Query{{"a", "old"}}, "a=1&a=2"); err != nil || !slices.Equal(q, evuri.Query{{"a", "old"}, {"a", "2"}}) {
		t.Errorf("appended: %v, %v", q, err)
	}
}

func TestParseQueryOfURI(t *testing.T) {
	q, err := evuri.ParseURIQuery("http://example.com/?q=test&s=some+thing#f")
	if want := (evuri.Query{{"q", "test"}, {"s", "some thing"}}); err != nil || !slices.Equal(q, want) {
		t.Errorf("%v, %v, want %v", q, err, want)
	}
	if q, err := evuri.ParseURIQuery("/no/query"); err != nil || len(q) != 0 {
		t.Errorf("no query: %v, %v", q, err)
	}
	if _, err := evuri.ParseURIQuery("/a b?c=d"); !errors.Is(err, evuri.ErrURI) {
		t.Errorf("no URI: %v", err)
	}
	if _, err := evuri.ParseURIQuery("/?c"); !errors.Is(err, evuri.ErrQuery) {
		t.Errorf("no query: %v", err)
	}
}

func TestQueryLimit(t *testing.T) {
	most := strings.Repeat("a=1&", evuri.DefaultMaxQueryFields)
	if q, err := evuri.ParseQuery(most); err != nil || len(q) != evuri.DefaultMaxQueryFields {
		t.Errorf("at the limit: %d fields, %v", len(q), err)
	}
	if q, err := evuri.ParseQuery(most + "a=1"); !errors.Is(err, evuri.ErrTooMany) || q != nil {
		t.Errorf("beyond the limit: %d fields, %v", len(q), err)
	}
	p := evuri.QueryParser{MaxFields: 2, Flags: evuri.QueryNonconformant}
	if _, err := p.Append(nil, "&&a&&b&&=1&&"); err != nil {
		t.Errorf("fields that are left out count: %v", err)
	}
	before := evuri.Query{{"x", "y"}}
	if q, err := p.Append(before, "a&b"); !errors.Is(err, evuri.ErrTooMany) || !slices.Equal(q, before) {
		t.Errorf("after another: %v, %v", q, err)
	}
}

func TestQueryList(t *testing.T) {
	var q evuri.Query
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
	if n := q.Remove("a"); n != 2 || !slices.Equal(q, evuri.Query{{"b", "2&3"}}) || q.Remove("a") != 0 {
		t.Errorf("Remove: %d, %v", n, q)
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, test := range queryTests {
		f.Add(test.in, uint8(0))
		f.Add(test.in, uint8(evuri.QueryNonconformant|evuri.QueryLastVal))
	}
	f.Fuzz(func(t *testing.T, s string, flags uint8) {
		q, err := evuri.ParseQueryFlags(s, evuri.QueryFlags(flags))
		if err != nil {
			if q != nil || !errors.Is(err, evuri.ErrQuery) && !errors.Is(err, evuri.ErrTooMany) {
				t.Fatalf("%q: %v, %v", s, q, err)
			}
			return
		}
		again, err := evuri.ParseQueryFlags(q.Encode(), evuri.QueryFlags(flags))
		if err != nil || !slices.Equal(again, q) {
			t.Fatalf("%q: %v became %v, %v", s, q, again, err)
		}
		if evuri.QueryFlags(flags)&evuri.QueryLastVal == 0 {
			return
		}
		for i, field := range q {
			if slices.ContainsFunc(q[:i], func(f evuri.QueryField) bool { return f.Name == field.Name }) {
				t.Fatalf("%q: %v has %q twice", s, q, field.Name)
			}
		}
	})
}
