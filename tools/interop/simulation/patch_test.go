package simulation_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A filePatch is what a unified diff changes in a file.
type filePatch struct {
	name  string // relative to the root of the repository
	hunks []hunk
}

// A hunk replaces lines, which have their ends.
type hunk struct {
	line     int // where the old ones begin, from 1 on
	old, new []string
}

var hunkHeader = regexp.MustCompile(`^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@`)

// parsePatch reads a unified diff as git makes it, which changes files that stay.
func parsePatch(text string) (files []filePatch, err error) {
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); {
		switch line := strings.TrimRight(lines[i], "\n"); {
		case strings.HasPrefix(line, "--- a/"):
			name := strings.TrimPrefix(line, "--- a/")
			if i++; i == len(lines) || strings.TrimRight(lines[i], "\n") != "+++ b/"+name {
				return nil, fmt.Errorf("line %d: no +++ b/%s", i+1, name)
			}
			files = append(files, filePatch{name: name})
			i++
		case strings.HasPrefix(line, "@@ ") && len(files) > 0:
			h, n, err := parseHunk(lines[i:])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			f := &files[len(files)-1]
			f.hunks = append(f.hunks, h)
			i += n
		case line == "":
			i++
		default:
			return nil, fmt.Errorf("line %d: %q", i+1, line)
		}
	}
	return files, nil
}

// parseHunk reads the hunk that lines begin with, and returns of how many it is.
func parseHunk(lines []string) (h hunk, n int, err error) {
	m := hunkHeader.FindStringSubmatch(lines[0])
	if m == nil {
		return h, 0, fmt.Errorf("%q is no header of a hunk", lines[0])
	}
	h.line, _ = strconv.Atoi(m[1]) // which are digits
	count := func(s string) int {
		if s == "" {
			return 1
		}
		n, _ := strconv.Atoi(s)
		return n
	}
	before, after := count(m[2]), count(m[3])
	for n = 1; len(h.old) < before || len(h.new) < after; n++ {
		if n == len(lines) || lines[n] == "" {
			return h, n, fmt.Errorf("the hunk ends after %d lines", n)
		}
		line := lines[n][1:]
		switch lines[n][0] {
		case ' ':
			h.old, h.new = append(h.old, line), append(h.new, line)
		case '-':
			h.old = append(h.old, line)
		case '+':
			h.new = append(h.new, line)
		default:
			return h, n, fmt.Errorf("%q in a hunk", lines[n])
		}
	}
	if len(h.old) != before || len(h.new) != after {
		return h, n, fmt.Errorf("a hunk of %d and %d lines says that it has %d and %d", len(h.old), len(h.new), before, after)
	}
	return h, n, nil
}

// apply returns the text of a file as the patch leaves it. Each hunk goes to the place
// with its old lines that is nearest to where these were when it was made.
func (p *filePatch) apply(text string) (string, error) {
	lines := strings.SplitAfter(text, "\n")
	shift, from := 0, 0
	for _, h := range p.hunks {
		at := nearest(lines, h.old, h.line-1+shift, from)
		if at < 0 {
			return "", fmt.Errorf("%s: the lines of the hunk at %d are not there", p.name, h.line)
		}
		lines = slices.Concat(lines[:at], h.new, lines[at+len(h.old):])
		from = at + len(h.new)
		shift = from - (h.line - 1 + len(h.old))
	}
	return strings.Join(lines, ""), nil
}

// nearest returns the index of lines, from or later, at which they begin with want that
// is nearest to wanted; or -1.
func nearest(lines, want []string, wanted, from int) int {
	best := -1
	for at := from; at+len(want) <= len(lines); at++ {
		if slices.Equal(lines[at:at+len(want)], want) && (best < 0 || distance(at, wanted) < distance(best, wanted)) {
			best = at
		}
	}
	return best
}

func distance(a, b int) int { return max(a-b, b-a) }

func TestPatchesAreApplied(t *testing.T) {
	const file = "a\nb\nc\nd\ne\nb\nc\nd\nf\n"
	const head = "--- a/x/y.go\n+++ b/x/y.go\n"
	for name, test := range map[string]struct{ patch, want, err string }{
		"where it was":        {head + "@@ -2,2 +2,2 @@\n b\n-c\n+C\n", "a\nb\nC\nd\ne\nb\nc\nd\nf\n", ""},
		"where it has got to": {head + "@@ -7,2 +7,3 @@\n b\n-c\n+C\n+D\n", "a\nb\nc\nd\ne\nb\nC\nD\nd\nf\n", ""},
		"with two hunks":      {head + "@@ -1 +1,2 @@\n-a\n+A\n+AA\n@@ -6,2 +7 @@\n b\n-c\n", "A\nAA\nb\nc\nd\ne\nb\nd\nf\n", ""},
		"to the last line":    {head + "@@ -9,1 +9,0 @@\n-f\n", "a\nb\nc\nd\ne\nb\nc\nd\n", ""},
		"nowhere":             {head + "@@ -2,2 +2,2 @@\n b\n-d\n+C\n", "", "not there"},
		"out of order":        {head + "@@ -5 +5 @@\n-f\n+F\n@@ -9 +9 @@\n-a\n+A\n", "", "not there"},
		"cut off":             {head + "@@ -2,3 +2,3 @@\n b\n-c\n+C\n", "", "ends after"},
		"without a header":    {"@@ -2,2 +2,2 @@\n b\n-c\n+C\n", "", "line 1"},
		"of a new file":       {"--- /dev/null\n+++ b/x/y.go\n@@ -0,0 +1 @@\n+a\n", "", "line 1"},
		"with another count":  {head + "@@ -2,1 +2,1 @@\n b\n-c\n+C\n", "", "line 5"},
	} {
		t.Run(name, func(t *testing.T) {
			got, files := "", []filePatch(nil)
			files, err := parsePatch(test.patch)
			if err == nil && (len(files) != 1 || files[0].name != "x/y.go") {
				t.Fatalf("files %v", files)
			}
			if err == nil {
				got, err = files[0].apply(file)
			}
			if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %q and %v, want %q and %q", got, err, test.want, test.err)
			}
		})
	}
}
