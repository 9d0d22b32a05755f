package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// names is a list of two headers, of which the trees below cover only one.
const names = `# header, kind, name
event.h	function	event_add
event.h	function	event_set_mem_functions
dns.h	function	evdns_base_new
dns.h	function	evdns_base_free
`

// source declares one identifier of each kind.
const source = `package event

type Event struct {
	Data any
	Logger
	*Pool[int]
	hidden int
}

func (e *Event) Add() error { return nil }

func (e Event) FD() int { return 0 }

func (e *Event) remove() {}

type Pool[T any] struct{}

func (p *Pool[T]) Get() T { panic("empty") }

type Logger interface{ Log(string) }

type hidden struct{}

func (h *hidden) Add() {}

const Read, write = 1, 2

var Default *Event

func New() *Event { return nil }
`

// tree returns a source tree with the given map.
func tree(rows string) fstest.MapFS {
	return fstest.MapFS{
		"docs/libevent-api.tsv": {Data: []byte(names)},
		"docs/api-map.tsv":      {Data: []byte(rows)},
		"core/event/event.go":   {Data: []byte(source)},
	}
}

func TestCheckReports(t *testing.T) {
	const mem = "event_set_mem_functions\t-\tthe runtime owns memory\n"
	tests := []struct {
		name string
		rows string
		want []string
	}{
		{"nothing when a covered header is complete", "event_add\t(*event.Event).Add\t\n" + mem, nil},
		{"nothing when no header is covered", "# empty\n\n", nil},
		{"nothing when the column of notes is missing", "event_add\tevent.New\n" + mem, nil},
		{"a name of a covered header without a row", mem,
			[]string{"event.h: event_add has no row"}},
		{"a row for an unknown name", "event_add\tevent.New\t\nevent_sub\tevent.New\t\n" + mem,
			[]string{"docs/api-map.tsv:2: event_sub is not a name of libevent"}},
		{"a name with two rows", "event_add\tevent.New\t\nevent_add\t-\tgone\n" + mem,
			[]string{"docs/api-map.tsv:2: event_add has a row already at docs/api-map.tsv:1"}},
		{"an identifier that does not exist", "# header\nevent_add\tevent.Old\t\n" + mem,
			[]string{"docs/api-map.tsv:2: event_add: event.Old does not exist"}},
		{"a missing counterpart without a reason", "event_add\t-\t\n" + mem,
			[]string{"docs/api-map.tsv:1: event_add has no counterpart and no note that says why"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := checkTree(tree(test.rows))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.problems, test.want) {
				t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(got.problems, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestCheckRefusesMalformedTables(t *testing.T) {
	for name, rows := range map[string]string{
		"too few columns":  "event_add\n",
		"too many columns": "event_add\tevent.New\tnote\tmore\n",
		"empty identifier": "event_add\t\tnote\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checkTree(tree(rows))
			if err == nil || !strings.HasPrefix(err.Error(), "docs/api-map.tsv:1: ") {
				t.Errorf("error %v, want one at docs/api-map.tsv:1", err)
			}
		})
	}
}

func TestSummaryCountsEachHeader(t *testing.T) {
	result, err := checkTree(tree("event_add\tevent.New\t\nevent_set_mem_functions\t-\tnote\n"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	printSummary(&out, result.headers)
	want := "" +
		"header               names mapped      -  to come\n" +
		"event.h                  2      1      1        0\n" +
		"dns.h                    2      0      0        2\n" +
		"total                    4      1      1        2\n"
	if out.String() != want {
		t.Errorf("summary:\n%swant:\n%s", out.String(), want)
	}
}

func TestOtherNamesAreCountedApart(t *testing.T) {
	source := tree("event_add\tevent.New\t\nevent_set_mem_functions\t-\tnote\nstruct event\tevent.Event\nevent_set\tevent.New\n")
	source["docs/libevent-more.tsv"] = &fstest.MapFile{Data: []byte("structs\tstruct\tstruct event\nevent_compat.h\tfunction\tevent_set\nevent_compat.h\tfunction\tevent_once\n")}
	result, err := checkTree(source)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"event_compat.h: event_once has no row"}; !slices.Equal(result.problems, want) {
		t.Errorf("problems %q, want %q", result.problems, want)
	}
	var out bytes.Buffer
	printSummary(&out, result.headers)
	want := "" +
		"header               names mapped      -  to come\n" +
		"event.h                  2      1      1        0\n" +
		"dns.h                    2      0      0        2\n" +
		"total                    4      1      1        2\n" +
		"structs                  1      1      0        0\n" +
		"event_compat.h           2      1      0        1\n" +
		"beside these             3      2      0        1\n"
	if out.String() != want {
		t.Errorf("summary:\n%swant:\n%s", out.String(), want)
	}
}
