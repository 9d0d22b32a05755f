package route

import (
	"fmt"
	"go/token"
	"slices"
	"strings"

	"github.com/go-libevent/libevent/http/evuri"
	"github.com/go-libevent/libevent/http/internal/ascii"
)

// A segmentKind says what a segment of a pattern matches.
type segmentKind uint8

const (
	literalSegment segmentKind = iota // itself; an empty one is the end of a path in "/"
	anySegment                        // any segment that is not empty
	restSegment                       // all segments that follow, and at least one
)

type segment struct {
	kind segmentKind
	text string // of a literal one, decoded
}

// A pattern is the text of a route taken apart.
type pattern struct {
	text     string
	method   string // "" for all
	host     string // "" for all, in lower case
	segments []segment
	names    []string // of the wildcards, in their order; "" is one without a name
}

func parsePattern(text string) (*pattern, error) {
	p := &pattern{text: text}
	if why := p.parse(); why != "" {
		return nil, fmt.Errorf("evhttp: add pattern %q: %w: %s", text, ErrPattern, why)
	}
	return p, nil
}

// parse returns what is wrong, or nothing.
func (p *pattern) parse() (why string) {
	rest := p.text
	if i := strings.IndexAny(rest, " \t"); i >= 0 {
		p.method, rest = rest[:i], strings.TrimLeft(rest[i:], " \t")
		if !ascii.IsToken(p.method) {
			return "bad method"
		}
	}
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		return "no path"
	}
	p.host = strings.ToLower(rest[:slash])
	if strings.ContainsAny(p.host, "{} \t") {
		return "bad host"
	}
	return p.parsePath(strings.Split(rest[slash+1:], "/"))
}

func (p *pattern) parsePath(segments []string) (why string) {
	for i, text := range segments {
		last := i == len(segments)-1
		switch {
		case text == "" && last:
			p.segments = append(p.segments, segment{kind: restSegment})
			p.names = append(p.names, "")
		case text == "":
			return "empty segment"
		case text == "." || text == "..":
			return "segment that is a dot or two"
		case strings.ContainsAny(text, "{}"):
			if why := p.parseWildcard(text, last); why != "" {
				return why
			}
		default:
			p.segments = append(p.segments, segment{text: evuri.Decode(text)})
		}
	}
	return ""
}

func (p *pattern) parseWildcard(text string, last bool) (why string) {
	name, begins := strings.CutPrefix(text, "{")
	name, ends := strings.CutSuffix(name, "}")
	if !begins || !ends {
		return "wildcard that is not a whole segment"
	}
	if name == "$" {
		if !last {
			return "{$} not at the end"
		}
		p.segments = append(p.segments, segment{})
		return ""
	}
	kind := anySegment
	name, isRest := strings.CutSuffix(name, "...")
	if isRest {
		kind = restSegment
	}
	switch {
	case isRest && !last:
		return "{...} not at the end"
	case !token.IsIdentifier(name) && !token.IsKeyword(name):
		return "bad name of a wildcard"
	case slices.Contains(p.names, name):
		return "two wildcards of the same name"
	}
	p.segments = append(p.segments, segment{kind: kind})
	p.names = append(p.names, name)
	return ""
}

// endsInRest reports whether the pattern matches paths of any length.
func (p *pattern) endsInRest() bool {
	return p.segments[len(p.segments)-1].kind == restSegment
}

// A relation tells how the requests that two patterns match go together.
type relation struct {
	disjoint bool // they have none in common
	within   bool // all of the first one's are the second one's, too
	contains bool // the other way round
}

// and is the relation of two patterns that have the relation r in one respect
// and s in another.
func (r relation) and(s relation) relation {
	return relation{r.disjoint || s.disjoint, r.within && s.within, r.contains && s.contains}
}

// conflicts reports whether a request may match p and q without one of them
// being the better match.
func (p *pattern) conflicts(q *pattern) bool {
	if p.host != q.host {
		return false
	}
	r := methodRelation(p.method, q.method).and(pathRelation(p.segments, q.segments))
	return !r.disjoint && r.within == r.contains
}

func methodRelation(a, b string) relation {
	switch {
	case a == b:
		return relation{within: true, contains: true}
	case b == "" || a == "HEAD" && b == "GET":
		return relation{within: true}
	case a == "" || a == "GET" && b == "HEAD":
		return relation{contains: true}
	default:
		return relation{disjoint: true}
	}
}

func pathRelation(a, b []segment) relation {
	r := relation{within: true, contains: true}
	for i := 0; i < len(a) && i < len(b); i++ {
		s := segmentRelation(a[i], b[i])
		if r = r.and(s); r.disjoint {
			return r
		}
		if a[i].kind == restSegment || b[i].kind == restSegment {
			return r
		}
	}
	r.disjoint = len(a) != len(b)
	return r
}

func segmentRelation(a, b segment) relation {
	switch {
	case a == b:
		return relation{within: true, contains: true}
	case b.kind == restSegment, b.kind == anySegment && a.kind == literalSegment && a.text != "":
		return relation{within: true}
	case a.kind == restSegment, a.kind == anySegment && b.kind == literalSegment && b.text != "":
		return relation{contains: true}
	default:
		return relation{disjoint: true}
	}
}
