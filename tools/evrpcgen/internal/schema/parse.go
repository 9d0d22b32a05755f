package schema

import (
	"strconv"
	"strings"
)

// A parser reads one file.
type parser struct {
	run        *run
	file       *File
	scan       *scanner
	token      token // the next one
	conditions []condition
}

// parse reads a file whose text is given.
func (r *run) parse(file *File, text string) {
	p := &parser{run: r, file: file}
	p.scan = newScanner(file.Path, text, func(at Pos, format string, args ...any) {
		if !p.skipping() {
			r.errors.add(at, format, args...)
		}
	})
	p.advance()
	for p.token.class != atEnd {
		p.top()
	}
	for _, c := range p.conditions {
		p.fail(c.pos, "condition has no #endif")
	}
	p.commentsBehind()
}

func (p *parser) fail(at Pos, format string, args ...any) {
	p.run.errors.add(at, format, args...)
}

// advance goes to the next token that is not left out.
func (p *parser) advance() {
	for {
		p.token = p.scan.next()
		switch {
		case p.token.class == directive:
			p.directive(p.token)
		case p.token.class == atEnd || !p.skipping():
			return
		}
	}
}

// top reads what stands outside of structs.
func (p *parser) top() {
	switch {
	case p.token.class == rpcLine:
		p.rpc(p.token)
		p.advance()
	case p.token.is("struct"):
		p.structure()
	default:
		p.fail(p.token.pos, `expected "struct", found %v`, p.token)
		p.skipToStruct()
	}
}

// skipToStruct goes to where a struct may begin.
func (p *parser) skipToStruct() {
	for p.advance(); p.token.class != atEnd && p.token.class != rpcLine && !(p.token.is("struct") && p.token.pos.Column == 1); p.advance() {
	}
}

// structure reads struct NAME { ENTRY... }.
func (p *parser) structure() {
	s := &Struct{Doc: p.token.doc, File: p.file}
	p.advance()
	name, ok := p.name("the name of a struct")
	s.Name, s.Pos = name.text, name.pos
	if !ok || !p.expect("{") {
		p.skipToStruct()
		return
	}
	p.file.Structs = append(p.file.Structs, s)
	for !p.token.is("}") {
		if p.token.class == atEnd || p.token.is("struct") && p.token.pos.Column == 1 {
			p.fail(p.token.pos, `struct %s has no "}" at its end`, s.Name)
			return
		}
		p.entry(s)
	}
	p.advance()
	if p.token.is(";") {
		p.fail(p.token.pos, "no semicolon may follow a struct")
		p.advance()
	}
}

// name takes an identifier.
func (p *parser) name(what string) (token, bool) {
	t := p.token
	if t.class != word {
		p.fail(t.pos, "expected %s, found %v", what, t)
		return t, false
	}
	p.advance()
	return t, true
}

// expect takes a token of this text.
func (p *parser) expect(text string) bool {
	if !p.token.is(text) {
		p.fail(p.token.pos, "expected %q, found %v", text, p.token)
		return false
	}
	p.advance()
	return true
}

// entry reads one field of a struct, and to its semicolon if it cannot.
func (p *parser) entry(s *Struct) {
	if p.token.class == rpcLine {
		p.fail(p.token.pos, "//rpc belongs outside of structs")
		p.advance()
		return
	}
	if p.token.is(";") {
		p.advance()
		return
	}
	f := &Field{Doc: p.token.doc}
	if p.field(f) {
		s.Fields = append(s.Fields, f)
		return
	}
	for !p.token.is(";") && !p.token.is("}") && p.token.class != atEnd && !(p.token.is("struct") && p.token.pos.Column == 1) {
		p.advance()
	}
	if p.token.is(";") {
		p.advance()
	}
}

// field reads [optional|array] TYPE NAME [LENGTH] = TAG;
func (p *parser) field(f *Field) bool {
	begin := p.token.pos
	for p.token.is("optional") || p.token.is("array") {
		p.modifier(f)
	}
	if !p.kind(f) {
		return false
	}
	name, ok := p.name("the name of a field")
	if !ok {
		return false
	}
	f.Name, f.Pos = name.text, name.pos
	if p.token.class == bracket {
		p.length(f)
		p.advance()
	}
	if !p.expect("=") || !p.tag(f) {
		return false
	}
	f.end = p.token.pos.Line
	if p.token.is("}") { // the last one needs no semicolon
		return p.combination(f, begin)
	}
	return p.expect(";") && p.combination(f, begin)
}

// modifier reads optional or array.
func (p *parser) modifier(f *Field) {
	which := &f.Optional
	if p.token.text == "array" {
		which = &f.Array
	}
	if *which {
		p.fail(p.token.pos, "%s is there twice", p.token.text)
	}
	*which = true
	p.advance()
}

// combination checks what may not come together.
func (p *parser) combination(f *Field, begin Pos) bool {
	switch {
	case f.Optional && f.Array:
		p.fail(begin, "%s cannot be optional and an array: arrays are optional always", f.Name)
	case f.Array && (f.Kind == Bytes || f.Kind == Fixed):
		p.fail(begin, "%s cannot be an array: there are none of bytes", f.Name)
	}
	return true
}

var kinds = map[string]Kind{"int": Int, "int64": Int64, "string": String, "bytes": Bytes, "struct": Message}

// kind reads the type of a field.
func (p *parser) kind(f *Field) bool {
	t := p.token
	kind, ok := kinds[t.text]
	if t.class != word || !ok {
		p.fail(t.pos, "expected a type (int, int64, string, bytes, struct[NAME]), found %v", t)
		return false
	}
	f.Kind = kind
	p.advance()
	if kind != Message {
		return true
	}
	f.ref, f.refPos = strings.TrimSpace(p.token.text), p.token.pos
	if p.token.class != bracket || !isWord(f.ref) {
		p.fail(p.token.pos, "expected the name of a struct, as in struct[NAME]")
		return false
	}
	p.advance()
	return true
}

// length reads the length of bytes.
func (p *parser) length(f *Field) {
	at := p.token.pos
	if f.Kind != Bytes {
		p.fail(at, "only bytes have a length")
		return
	}
	text := strings.TrimSpace(p.token.text)
	if text == "" {
		return // which C takes for none
	}
	v, err := evaluate(text, p.run.defines, false)
	switch {
	case err != nil:
		p.fail(at, "length of %s: %v", f.Name, err)
	case v < 0 || v > MaxFixed:
		p.fail(at, "length of %s is %d, which is not within 0 and %d", f.Name, v, MaxFixed)
	}
	f.Kind, f.Length = Fixed, int(min(max(v, 0), MaxFixed))
	if isWord(text) {
		f.LengthName = text
	}
}

// tag reads the tag of a field.
func (p *parser) tag(f *Field) bool {
	t := p.token
	if t.class != number {
		p.fail(t.pos, "expected the tag of %s, a number, found %v", f.Name, t)
		return false
	}
	digits, base := t.text, 10
	if len(digits) > 2 && strings.EqualFold(digits[:2], "0x") {
		digits, base = digits[2:], 16
	} else if len(digits) > 1 && digits[0] == '0' {
		p.fail(t.pos, "tag %s begins with 0, and would be octal elsewhere", t.text)
	}
	v, err := strconv.ParseUint(digits, base, 64)
	switch {
	case err != nil:
		p.fail(t.pos, "tag %s is no number", t.text)
		return false
	case v > MaxTag:
		p.fail(t.pos, "tag %s has more than 32 bits", t.text)
		return false
	}
	f.Tag = uint32(v)
	p.advance()
	return true
}

// rpc reads what is behind //rpc: NAME(REQUEST) returns (REPLY);
func (p *parser) rpc(t token) {
	q := &parser{run: p.run, file: p.file, scan: p.scan.part(t)}
	q.advance()
	r := &RPC{Doc: t.doc}
	name, ok := q.name("the name of an RPC")
	r.Name, r.Pos = name.text, name.pos
	if !ok || !q.message(&r.request, &r.requestPos) || !q.expect("returns") || !q.message(&r.reply, &r.replyPos) || !q.expect(";") {
		return
	}
	if q.token.class != atEnd {
		q.fail(q.token.pos, "unexpected %v after an RPC", q.token)
		return
	}
	p.file.RPCs = append(p.file.RPCs, r)
}

// message reads the name of a struct in parentheses.
func (p *parser) message(name *string, at *Pos) bool {
	if !p.expect("(") {
		return false
	}
	t, ok := p.name("the name of a struct")
	*name, *at = t.text, t.pos
	return ok && p.expect(")")
}

// commentsBehind gives fields without a comment above the one behind them.
func (p *parser) commentsBehind() {
	for _, s := range p.file.Structs {
		for _, f := range s.Fields {
			if f.Doc == "" {
				f.Doc = p.scan.behind[f.end]
			}
		}
	}
}
