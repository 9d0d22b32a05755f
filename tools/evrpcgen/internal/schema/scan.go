package schema

import "strings"

// A class is what kind of token it is.
type class uint8

const (
	atEnd     class = iota
	word            // an identifier or a keyword
	number          // what begins with a digit
	mark            // one character
	bracket         // what is in square brackets, which are not a part of text
	directive       // a line of the preprocessor, behind the #
	rpcLine         // what comes behind //rpc
)

// A token is a piece of a file.
type token struct {
	class class
	text  string
	pos   Pos
	doc   string // comments in the lines above
	start int    // where text begins in the file
}

func (t token) is(text string) bool { return (t.class == word || t.class == mark) && t.text == text }

// String returns the token as error messages have it.
func (t token) String() string {
	switch t.class {
	case atEnd:
		return "the end of the file"
	case bracket:
		return `"["`
	case rpcLine:
		return `"//rpc"`
	}
	return `"` + t.text + `"`
}

// A scanner makes tokens of a file.
type scanner struct {
	file string
	text string
	at   int
	line int
	// lineStart is where the line begins.
	lineStart int
	// fresh says that nothing but space and comments was in the line.
	fresh bool
	// doc is what comments above say, up to docLine.
	doc     []string
	docLine int
	// behind has the last comment behind tokens in a line.
	behind map[int]string
	fail   func(at Pos, format string, args ...any)
}

func newScanner(file, text string, fail func(Pos, string, ...any)) *scanner {
	return &scanner{file: file, text: text, line: 1, fresh: true, behind: make(map[int]string), fail: fail}
}

// part returns a scanner of the text of a token.
func (s *scanner) part(t token) *scanner {
	return &scanner{
		file: s.file, text: s.text[:t.start+len(t.text)], at: t.start, line: t.pos.Line,
		lineStart: t.start - t.pos.Column + 1, behind: make(map[int]string), fail: s.fail,
	}
}

func (s *scanner) pos() Pos { return Pos{s.file, s.line, s.at - s.lineStart + 1} }

func (s *scanner) has(prefix string) bool { return strings.HasPrefix(s.text[s.at:], prefix) }

// next returns the next token.
func (s *scanner) next() token {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '\n':
			s.newLine()
		case isSpace(c):
			s.at++
		case s.has("//rpc ") || s.has("//rpc\t"):
			return s.rpc()
		case s.has("//") || s.has("/*"):
			s.comment()
		case c == '#' && s.fresh:
			return s.directive()
		default:
			return s.token(c)
		}
	}
	return token{class: atEnd, pos: s.pos()}
}

func (s *scanner) newLine() {
	s.at++
	s.line++
	s.lineStart, s.fresh = s.at, true
}

// token returns the token that begins with c.
func (s *scanner) token(c byte) token {
	t := token{pos: s.pos(), doc: s.takeDoc(), start: s.at}
	s.fresh = false
	switch {
	case isLetter(c):
		t.class, t.text = word, s.run(isWordByte)
	case isDigit(c):
		t.class, t.text = number, s.run(isWordByte)
	case c == '[':
		return s.bracket(t)
	case strings.IndexByte("{}();=,]", c) >= 0:
		t.class, t.text = mark, string(c)
		s.at++
	default:
		s.fail(t.pos, "unexpected character %q", rune(c))
		s.at++
		return s.next()
	}
	return t
}

// run takes bytes as long as they are of a kind.
func (s *scanner) run(of func(byte) bool) string {
	start := s.at
	for s.at < len(s.text) && of(s.text[s.at]) {
		s.at++
	}
	return s.text[start:s.at]
}

func (s *scanner) bracket(t token) token {
	s.at++
	inside := s.run(func(c byte) bool { return c != ']' && c != '\n' && c != ';' })
	t.class, t.text, t.start = bracket, inside, t.start+1
	if !s.has("]") {
		s.fail(t.pos, `"[" is not closed`)
		t.class, t.text = mark, "["
		return t
	}
	s.at++
	return t
}

// directive returns a line of the preprocessor, without comments.
func (s *scanner) directive() token {
	t := token{class: directive, pos: s.pos(), start: s.at + 1}
	s.takeDoc()
	s.at++
	s.fresh = false
	var text strings.Builder
	quoted := false
	for s.at < len(s.text) && s.text[s.at] != '\n' {
		switch {
		case !quoted && s.has("//"):
			s.run(func(c byte) bool { return c != '\n' })
		case !quoted && s.has("/*"):
			s.comment()
			text.WriteByte(' ')
		default:
			quoted = quoted != (s.text[s.at] == '"')
			text.WriteByte(s.text[s.at])
			s.at++
		}
	}
	t.text = strings.TrimSpace(text.String())
	return t
}

func (s *scanner) rpc() token {
	t := token{class: rpcLine, pos: s.pos(), doc: s.takeDoc()}
	s.at += len("//rpc")
	t.start = s.at
	t.text = strings.TrimSuffix(s.run(func(c byte) bool { return c != '\n' }), "\r")
	t.pos.Column += len("//rpc")
	return t
}

// comment goes over a comment, and keeps what it says for the token that it belongs to.
func (s *scanner) comment() {
	start, line, fresh := s.pos(), s.line, s.fresh
	text := ""
	if s.has("//") {
		text = strings.TrimPrefix(s.run(func(c byte) bool { return c != '\n' }), "//")
	} else {
		n := strings.Index(s.text[s.at+2:], "*/")
		if n < 0 {
			s.fail(start, "comment is not closed")
			n = len(s.text) - s.at - 2
		}
		text = s.text[s.at+2 : s.at+2+n]
		for end := min(s.at+n+4, len(s.text)); s.at < end; {
			if s.text[s.at] == '\n' {
				s.newLine()
			} else {
				s.at++
			}
		}
	}
	text = commentText(text)
	if !fresh {
		s.behind[line] = text
		s.fresh = false
		return
	}
	if s.docLine < start.Line-1 {
		s.doc = nil
	}
	s.doc, s.docLine = append(s.doc, text), s.line
}

// takeDoc returns what comments say that end in the line above, or in the same line.
func (s *scanner) takeDoc() string {
	doc := strings.Trim(strings.Join(s.doc, "\n"), "\n")
	near := s.docLine >= s.line-1
	s.doc = nil
	if !near {
		return ""
	}
	return doc
}

// commentText returns a comment without what stands in front of its lines.
func commentText(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, " \t\r")
		if trimmed := strings.TrimLeft(line, " \t"); i > 0 && strings.HasPrefix(trimmed, "*") {
			line = strings.TrimPrefix(trimmed, "*")
		}
		lines[i] = strings.TrimPrefix(line, " ")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n* ")
}

func isSpace(c byte) bool    { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' }
func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isLetter(c byte) bool   { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isWordByte(c byte) bool { return isLetter(c) || isDigit(c) }

// isWord reports whether text is an identifier.
func isWord(text string) bool {
	if text == "" || !isLetter(text[0]) {
		return false
	}
	for i := range len(text) {
		if !isWordByte(text[i]) {
			return false
		}
	}
	return true
}
