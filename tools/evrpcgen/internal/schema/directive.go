package schema

import "strings"

// A define is what #define says of a name.
type define struct {
	value     string
	arguments bool
	pos       Pos // of the name; that of a flag has no file
}

// A condition is an #if whose #endif is still to come.
type condition struct {
	pos    Pos
	skip   bool // what comes is left out
	done   bool // a branch was taken, or none may be
	isElse bool
}

// skipping reports whether what comes is left out.
func (p *parser) skipping() bool {
	return len(p.conditions) > 0 && p.conditions[len(p.conditions)-1].skip
}

// directive obeys a line of the preprocessor.
func (p *parser) directive(t token) {
	name, rest := t.text, ""
	for i := range len(name) {
		if !isWordByte(name[i]) {
			name, rest = t.text[:i], strings.TrimSpace(t.text[i:])
			break
		}
	}
	switch name {
	case "if", "ifdef", "ifndef":
		p.begin(t.pos, name, rest)
		return
	case "elif", "else", "endif":
		p.branch(t.pos, name, rest)
		return
	}
	if p.skipping() {
		return
	}
	switch name {
	case "", "pragma":
	case "include":
		p.include(t.pos, rest)
	case "define":
		p.define(t.pos, rest)
	case "undef":
		delete(p.run.defines, rest)
	case "error":
		p.fail(t.pos, "#error %s", rest)
	default:
		p.fail(t.pos, "unknown directive #%s", name)
	}
}

// begin begins a condition.
func (p *parser) begin(at Pos, name, rest string) {
	if p.skipping() {
		p.conditions = append(p.conditions, condition{pos: at, skip: true, done: true})
		return
	}
	holds := false
	if name == "if" {
		holds = p.holds(at, rest)
	} else {
		if !isWord(rest) {
			p.fail(at, "#%s wants a name", name)
		}
		holds = (p.run.defines[rest] != nil) == (name == "ifdef")
	}
	p.conditions = append(p.conditions, condition{pos: at, skip: !holds, done: holds})
}

// branch goes to another branch of a condition, or ends it.
func (p *parser) branch(at Pos, name, rest string) {
	if len(p.conditions) == 0 {
		p.fail(at, "#%s without #if", name)
		return
	}
	c := &p.conditions[len(p.conditions)-1]
	switch {
	case name == "endif":
		p.conditions = p.conditions[:len(p.conditions)-1]
	case c.isElse:
		p.fail(at, "#%s after #else", name)
	case name == "else":
		c.skip, c.done, c.isElse = c.done, true, true
	case c.done:
		c.skip = true
	default:
		c.done = p.holds(at, rest)
		c.skip = !c.done
	}
}

// holds evaluates the expression of #if.
func (p *parser) holds(at Pos, text string) bool {
	v, err := evaluate(text, p.run.defines, true)
	if err != nil {
		p.fail(at, "#if %s: %v", text, err)
	}
	return v != 0
}

// define notes a name and its value. Numbers may become constants.
func (p *parser) define(at Pos, text string) {
	n := 0
	for n < len(text) && isWordByte(text[n]) {
		n++
	}
	name, value := text[:n], strings.TrimSpace(text[n:])
	if !isWord(name) {
		p.fail(at, "#define wants a name")
		return
	}
	d := &define{value: value, arguments: strings.HasPrefix(text[n:], "("), pos: at}
	if old := p.run.defines[name]; old != nil {
		if old.pos.File != "" && old.value != value {
			p.fail(at, "%s has another value at %v", name, old.pos)
		}
		return // a flag has precedence
	}
	p.run.defines[name] = d
	if d.arguments || value == "" {
		return
	}
	if v, err := evaluate(value, p.run.defines, false); err == nil {
		p.file.Consts = append(p.file.Consts, &Const{Name: name, Pos: at, Value: v})
	}
}

// include reads the file of another schema, if there is one: headers in C are none.
func (p *parser) include(at Pos, text string) {
	if len(text) > 2 && text[0] == '<' && text[len(text)-1] == '>' {
		return
	}
	if len(text) <= 2 || text[0] != '"' || text[len(text)-1] != '"' {
		p.fail(at, `#include wants "file" or <file>`)
		return
	}
	p.run.include(p.file.Path, text[1:len(text)-1], at)
}
