package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// result is what a check found.
type result struct {
	headers  []header // in the order of the list of names
	problems []string // one line each
}

// header counts the names of one of libevent's headers. Names that have
// neither an identifier nor a "-" are to come.
type header struct {
	name   string
	names  int
	mapped int
	none   int
	more   bool // its names are not among the public ones
}

// covered reports whether work on the header has begun, so that each of its
// names must have a row.
func (h header) covered() bool { return h.mapped+h.none > 0 }

// toCome returns the number of names without a row.
func (h header) toCome() int { return h.names - h.mapped - h.none }

// check compares the rows of the map with the names they must cover and the
// identifiers they may refer to.
func check(names []cName, rows []row, identifiers map[string]bool) result {
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n.name] = true
	}
	var problems []string
	mapped := make(map[string]row, len(rows))
	for _, r := range rows {
		if first, twice := mapped[r.cName]; twice {
			problems = append(problems, fmt.Sprintf("%s: %s has a row already at %s", r.place, r.cName, first.place))
			continue
		}
		if problem := checkRow(r, known, identifiers); problem != "" {
			problems = append(problems, r.place+": "+problem)
		}
		mapped[r.cName] = r
	}
	headers := countHeaders(names, mapped)
	return result{headers: headers, problems: append(problems, checkCover(names, mapped, headers)...)}
}

// checkRow returns what is wrong with a row, or nothing.
func checkRow(r row, known, identifiers map[string]bool) string {
	switch {
	case !known[r.cName]:
		return r.cName + " is not a name of libevent"
	case r.goName == none && r.note == "":
		return r.cName + " has no counterpart and no note that says why"
	case r.goName != none && !identifiers[r.goName]:
		return r.cName + ": " + r.goName + " does not exist"
	}
	return ""
}

// countHeaders counts the names of each header.
func countHeaders(names []cName, mapped map[string]row) []header {
	var headers []header
	index := make(map[string]int)
	for _, n := range names {
		i, seen := index[n.header]
		if !seen {
			i = len(headers)
			index[n.header] = i
			headers = append(headers, header{name: n.header, more: n.more})
		}
		h := &headers[i]
		h.names++
		switch r, ok := mapped[n.name]; {
		case !ok:
		case r.goName == none:
			h.none++
		default:
			h.mapped++
		}
	}
	return headers
}

// checkCover reports the names of covered headers that have no row.
func checkCover(names []cName, mapped map[string]row, headers []header) []string {
	covered := make(map[string]bool)
	for _, h := range headers {
		covered[h.name] = h.covered()
	}
	var problems []string
	for _, n := range names {
		if _, ok := mapped[n.name]; !ok && covered[n.header] {
			problems = append(problems, fmt.Sprintf("%s: %s has no row", n.header, n.name))
		}
	}
	return problems
}

// printSummary writes the counts of all headers and their total, and behind that those of
// other names.
func printSummary(w io.Writer, headers []header) error {
	_, err := fmt.Fprintf(w, "%-19s %6s %6s %6s %8s\n", "header", "names", "mapped", "-", "to come")
	err = errors.Join(err, printGroup(w, headers, false, "total"))
	if slices.ContainsFunc(headers, func(h header) bool { return h.more }) {
		err = errors.Join(err, printGroup(w, headers, true, "beside these"))
	}
	return err
}

// printGroup writes the counts of headers of one kind, and their total.
func printGroup(w io.Writer, headers []header, more bool, name string) error {
	total := header{name: name}
	var err error
	for _, h := range headers {
		if h.more != more {
			continue
		}
		err = errors.Join(err, printHeader(w, h))
		total.names += h.names
		total.mapped += h.mapped
		total.none += h.none
	}
	return errors.Join(err, printHeader(w, total))
}

// printHeader writes one line of the summary.
func printHeader(w io.Writer, h header) error {
	_, err := fmt.Fprintf(w, "%-19s %6d %6d %6d %8d\n", h.name, h.names, h.mapped, h.none, h.toCome())
	return err
}
